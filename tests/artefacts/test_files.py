"""Each kind of file is read by the tool that knows it, which finds a fault that is planted."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT, working_tree

SCRIPTS = [path for path in working_tree() if path.suffix == ".sh" or path == Path(".ci/run")]
COMPOSE = ("compose.yaml", "compose.override.yaml", "compose.production.yaml")

# What stands there, the fault, and the rule that finds it.
DOCKERFILE_FAULTS = [
    ('ENTRYPOINT ["python", "src/entrypoint.py"]', "ENTRYPOINT python src/entrypoint.py", "DL3025"),
    ("FROM python:${PYTHON_VERSION}-slim", "FROM python:latest", "DL3007"),
    ("exit 1; fi", "exit 1", "SC1"),
]


def check(program: str, *arguments: str | Path) -> tuple[int, str]:
    """Return exit code and words of a checker that is installed beside this Python."""
    command = [Path(sys.executable).with_name(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_dockerfile_is_sound(service: Path) -> None:
    """The linter of Dockerfiles, and of the shell in them, says nothing."""
    assert check("hadolint", service / "Dockerfile") == (0, "")


@pytest.mark.parametrize(("text", "fault", "rule"), DOCKERFILE_FAULTS)
def test_a_fault_of_the_dockerfile_is_found(
    service: Path, tmp_path: Path, text: str, fault: str, rule: str
) -> None:
    """What the linter is there for, it sees."""
    dockerfile = (service / "Dockerfile").read_text()
    assert text in dockerfile
    (tmp_path / "Dockerfile").write_text(dockerfile.replace(text, fault))
    code, said = check("hadolint", tmp_path / "Dockerfile")
    assert code != 0
    assert rule in said


def valid(*files: Path) -> bool:
    """Tell whether compose files are what their specification says."""
    return not check("check-jsonschema", "--builtin-schema", "vendor.compose-spec", *files)[0]


def test_the_compose_files_match_their_schema(service: Path) -> None:
    """A misspelt key is an error here."""
    assert valid(*(service / name for name in COMPOSE))


@pytest.mark.parametrize("name", COMPOSE)
def test_a_fault_of_a_compose_file_is_found(service: Path, tmp_path: Path, name: str) -> None:
    """A key that no engine knows."""
    planted = Path(shutil.copy(service / name, tmp_path))
    planted.write_text(planted.read_text().replace("\nservices:\n", "\nservices:\n  x: {y: 1}\n"))
    assert not valid(planted)


@pytest.mark.parametrize("path", SCRIPTS, ids=str)
def test_a_script_is_sound(path: Path, tmp_path: Path) -> None:
    """ShellCheck says nothing, but it does when a quote is forgotten."""
    assert check("shellcheck", ROOT / path) == (0, "")
    planted = tmp_path / "planted.sh"
    planted.write_text((ROOT / path).read_text() + "\nrm -rf $1/x\n")
    code, said = check("shellcheck", planted)
    assert code == 1
    assert "SC2086" in said


def test_a_service_has_no_script_of_its_own(service: Path) -> None:
    """What would need another checker is not there: Python and make do it."""
    assert not list(service.rglob("*.sh"))
