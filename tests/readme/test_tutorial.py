"""A newcomer's first hour: the tutorial of a service, typed as it stands there, in one go."""

import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.engine import compose, engine
from tests.readme.script import script, typed
from tests.support import commit, git, snapshot

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]
HOME_OF_THE_TEMPLATE = "https://github.com/prodstarter/prodstarter.git"
CONTAINERS = re.compile(r"^## Put it into an image$.*?(?=^## )", re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield an empty folder that every user can enter: as root, PostgreSQL runs as another one.

    Image and containers of the service in it have the folder's name: others are called `demo`, too.
    No image takes two marks in a row, which a temporary folder of Python's may have.
    """
    with tempfile.TemporaryDirectory(prefix="prodstarter-") as name:
        Path(name).chmod(0o755)
        path = Path(name) / f"tutorial-{secrets.token_hex(4)}"
        path.mkdir(0o755)
        image = f"{path.name}:local"
        monkeypatch.setenv("COMPOSE_PROJECT_NAME", path.name)
        monkeypatch.setenv("IMAGE", image)
        yield path
        ends = [["make", "stop"]]
        if not without_an_engine():
            ends += [[*compose(), "down", "-v"], [engine(), "rmi", "--force", image]]
        for command in ends:
            subprocess.run(command, cwd=path / "demo", check=False, capture_output=True)


def without_an_engine() -> str:
    """Return why no containers can be run here, or nothing."""
    try:
        compose()
    except pytest.skip.Exception as reason:
        return str(reason)
    return ""


def test_a_newcomers_hour(
    services: Callable[[str], Path], framework: str, folder: Path, subtests: pytest.Subtests
) -> None:
    """From nothing: render, run, add a domain, test, watch, build an image, update."""
    template = snapshot(folder / "template", "v1.0.0")
    makefile = template / "template" / "Makefile"
    makefile.write_text(makefile.read_text().replace("`make` lists", "Typing `make` lists"))
    commit(template)
    tutorial = (services(framework) / "docs" / "tutorial.md").read_text()
    missing = without_an_engine()
    if missing:
        tutorial = CONTAINERS.sub("", tutorial)
    commands = script(tutorial)
    # Ctrl-C in the first terminal, and the next release of the template while nobody looked.
    commands = commands.replace("\nmake up\n", "\nkill $served; wait $served || true\nmake up\n")
    commands = re.sub(r"(?m)^(?=make update-preview)", 'git -C "$TEMPLATE" tag v1.1.0\n', commands)
    # The same checks have just passed.
    commands = commands.replace("\nmake update\n", "\nmake update ARGS=--no-checks\n")
    output = typed(
        commands,
        folder,
        folder / "run.log",
        TEMPLATE=str(template),
        GIT_CONFIG_COUNT="3",
        GIT_CONFIG_KEY_2=f"url.file://{template}.insteadOf",
        GIT_CONFIG_VALUE_2=HOME_OF_THE_TEMPLATE,
    )
    assert '"code":"validation_failed"' in output
    assert '"code":"reference_taken"' in output
    assert "tutorial-1" in (folder / "run.log").read_text()
    service = folder / "demo"
    assert "Typing `make` lists" in (service / "Makefile").read_text()
    assert "orders" in (service / "docs" / "openapi.json").read_text()
    assert "update from the template" in git(service, "log", "-1", "--format=%s")
    with subtests.test("the image"):
        if missing:
            pytest.skip(f"its part of the tutorial was not typed: {missing}")


def test_the_api_guide_works_as_it_stands(
    services: Callable[[str], Path], framework: str, folder: Path
) -> None:
    """Its commands get the answers that it tells of, in the order in which they stand."""
    service = shutil.copytree(services(framework), folder / "demo")
    guide = (service / "docs" / "api.md").read_text()
    output = typed(script(f"```sh\nmake run\n```\n\n{guide}"), service, folder / "run.log")
    assert '"code":"invalid_token"' in output  # after the logout
    assert {'"#/email"', '"#/password"', '"#/role"'} <= set(re.findall(r'"#/\w+"', output))
    assert 'ratelimit-policy: "anonymous-hour";q=' in output.lower()
    assert '"count":1' in output
    assert '"?colour"' in output
    assert output.endswith("304\n")
