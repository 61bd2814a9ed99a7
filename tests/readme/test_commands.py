"""The first commands of both READMEs, typed as they stand there on an empty machine."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import ROOT, commit, readme_commands, snapshot

HOME_OF_THE_TEMPLATE = "https://github.com/prodstarter/prodstarter.git"
NOBODY = 65534
SECONDS = 240


@pytest.fixture
def machine() -> Iterator[Path]:
    """Yield a folder that every user can enter, with a released template and an empty home."""
    folder = Path(tempfile.mkdtemp(prefix="prodstarter-"))
    folder.chmod(0o755)
    (folder / "home").mkdir()
    (folder / "work").mkdir()
    snapshot(folder / "template", "v1.2.3")
    yield folder
    shutil.rmtree(folder)


# How this machine reaches package indexes is not what is tried here.
NETWORK = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_CERT", "SSL_CERT_DIR", "SSL_CERT_FILE"}
# Where systems and images have Python, without the environment that runs these tests.
PATH = "/usr/local/bin:/usr/bin:/bin"


def environment(machine: Path, port: int, path: str = PATH) -> dict[str, str]:
    """Return all that is set: the template's address leads to the copy, git does the swap."""
    network = {name: text for name, text in os.environ.items() if name.upper() in NETWORK}
    return network | {
        "HOME": str(machine / "home"),
        "PATH": path,
        "PORT": str(port),
        "UV_CACHE_DIR": str(machine / "cache"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{machine}/template.insteadOf",
        "GIT_CONFIG_VALUE_0": HOME_OF_THE_TEMPLATE,
    }


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def processes(folder: Path) -> list[str]:
    """Return the command line of each process that was started in or for a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if str(folder) in command or str(folder) in str((entry / "cwd").readlink()):
                found.append(command)
        except OSError:
            continue
    return found


def answers_ready(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until `/ready` answers 200; what was printed is the failure's message."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(log.read_text()[-4000:])


def first_command_serves(
    machine: Path, env: dict[str, str], user: int | None = None, readme: Path = ROOT / "README.md"
) -> None:
    """Run the command, meet the service, press Ctrl-C, and look for what is still running."""
    command = readme_commands(readme.read_text())[0]
    log = machine / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["bash", "-c", command],
            cwd=machine / "work",
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
    try:
        answers_ready(int(env["PORT"]), server, log)
        os.killpg(server.pid, signal.SIGINT)
        server.wait(60)
        deadline = time.monotonic() + 15
        while processes(machine) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert processes(machine) == []
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def path_without_python(folder: Path, python: Path) -> str:
    """Return a PATH that has every program of this machine but one Python only."""
    folder.mkdir()
    for directory in reversed(PATH.split(":")):
        for program in Path(directory).iterdir():
            if not program.name.startswith(("python", "pip", "uv")):
                (folder / program.name).unlink(missing_ok=True)
                (folder / program.name).symlink_to(program)
    (folder / "python3").symlink_to(python)
    return str(folder)


def python313() -> Path | None:
    """Return a Python 3.13 that runs and can make environments."""
    command = ["python3.13", "-c", "import ensurepip, sys; print(sys.executable)"]
    environment = os.environ | {"PYENV_VERSION": "3.13"}  # pyenv puts a stub on the PATH
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        return Path(subprocess.check_output(command, env=environment, text=True).strip())
    return None


def test_the_readme_has_two_commands() -> None:
    """One makes a service, one tests the template; .ci/run and these tests take them from there."""
    commands = readme_commands((ROOT / "README.md").read_text())
    assert len(commands) == 2
    assert all("\n" not in command for command in commands)
    assert "gh:prodstarter/prodstarter" in commands[0]
    assert "pytest" in commands[1]


def test_the_settings_of_the_readme_trust_this_repository(machine: Path) -> None:
    """With that file Copier needs no --trust; without it Copier refuses and writes nothing."""
    (settings,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (machine / "settings.yml").write_text(settings)
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--data", "project_name=Demo"]
    for file, code in (("none.yml", 4), ("settings.yml", 0)):
        done = subprocess.run(
            [*command, "gh:prodstarter/prodstarter", "out"],
            cwd=machine / "work",
            env=environment(machine, 0) | {"COPIER_SETTINGS_PATH": str(machine / file)},
            check=False,
        )
        assert done.returncode == code
        assert (machine / "work" / "out").exists() == (code == 0)


def test_the_first_command_ends_with_a_service_that_is_ready(machine: Path) -> None:
    """Nothing but Python, git and make is needed, and Ctrl-C leaves nothing running."""
    first_command_serves(machine, environment(machine, free_port()))


@pytest.mark.full
def test_the_quick_start_ends_with_a_service_that_is_ready(
    services: Callable[[str], Path], framework: str, machine: Path
) -> None:
    """A colleague clones the service and serves, with the commands of the service's own README."""
    origin = shutil.copytree(services(framework), machine / "origin")
    commit(origin)
    env = environment(machine, free_port()) | {
        "GIT_CONFIG_KEY_0": f"url.file://{origin}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/demo/demo.git",
    }
    first_command_serves(machine, env, readme=origin / "README.md")


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")
def test_the_first_command_works_for_a_user_who_is_not_root(machine: Path) -> None:
    """Nothing is written outside the user's own folders."""
    for path in [machine, *machine.rglob("*")]:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    first_command_serves(machine, environment(machine, free_port()), user=NOBODY)


@pytest.mark.full
def test_the_first_command_works_with_python_3_13_alone(machine: Path) -> None:
    """The newest Python that is supported is as good as the oldest."""
    python = python313()
    if python is None:
        pytest.skip("this machine has no Python 3.13")
    path = path_without_python(machine / "bin", python)
    first_command_serves(machine, environment(machine, free_port(), path))
