"""The tutorial of a service, typed as it stands there, in one go."""

import os
import re
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import copier
import pytest

from tests.harness.roles import free_port
from tests.support import GIT_ENVIRONMENT, commit, git, snapshot
from tests.variants import VARIANTS

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What points to servers and packages of whoever runs these tests.
OURS = re.compile(r"PYTEST_|VIRTUAL_ENV|UV_PROJECT|(DATABASE|REDIS)_URL|ENVIRONMENT")
# `make run` stays in the first terminal; what follows is typed into a second one.
RUN = """
make run > ../run.log 2>&1 &
until curl --silent --fail --output /dev/null http://127.0.0.1:$PORT/ready; do
    kill -0 $! || { cat ../run.log; exit 1; }
    sleep 0.2
done
"""


def script(tutorial: str) -> str:
    """Return a tutorial as one script: its commands, and the files that it says to write."""
    parts = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT"]
    for kind, text in BLOCK.findall(tutorial):
        if kind == "python":
            path = shlex.quote(text.partition("\n")[0].removeprefix("# "))
            content = text.partition("\n")[2]
            parts.append(f"mkdir -p $(dirname {path})\ncat > {path} <<'END'\n{content}END")
        else:
            parts.append(re.sub(r"^make run$", lambda _: RUN, text, flags=re.MULTILINE))
    return "\n".join(parts).replace("127.0.0.1:8000", "127.0.0.1:$PORT")


@pytest.fixture
def service(framework: str) -> Iterator[Path]:
    """Yield a committed service, and a newer release of its template."""
    with tempfile.TemporaryDirectory(prefix="tutorial-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, PostgreSQL runs as a user who has to enter
        template = snapshot(folder / "template", "v1.0.0")
        made = folder / "demo"
        copier.run_copy(
            str(template), made, data=VARIANTS[framework], defaults=True, unsafe=True, quiet=True
        )
        commit(made)
        makefile = template / "template" / "Makefile"
        makefile.write_text(makefile.read_text().replace("`make` lists", "Typing `make` lists"))
        commit(template, tag="v1.1.0")
        yield made
        subprocess.run(["make", "stop"], cwd=made, check=False, capture_output=True)


def test_the_tutorial_works_as_it_stands(service: Path) -> None:
    """Each command succeeds, and what it promises of an answer is true."""
    tutorial = (service / "docs" / "tutorial.md").read_text()
    environ = {name: text for name, text in os.environ.items() if not OURS.match(name)}
    environ |= GIT_ENVIRONMENT | {"PORT": free_port(), "MAKEFLAGS": ""}
    environ["PATH"] = f"{Path('~/.uv/bin').expanduser()}:{environ['PATH']}"
    run = subprocess.Popen(
        ["bash", "-c", script(tutorial)],
        cwd=service,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = run.communicate(timeout=540)
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode == 0, output[-6000:]
    assert '"code":"validation_failed"' in output
    assert '"code":"reference_taken"' in output
    assert "tutorial-1" in (service.parent / "run.log").read_text()
    assert "Typing `make` lists" in (service / "Makefile").read_text()
    assert "orders" in (service / "docs" / "openapi.json").read_text()
    assert "take orders" in git(service, "log", "-1", "--format=%s")
