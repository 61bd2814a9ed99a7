"""GitHub's files are valid and safe, in this repository and in every rendered service."""

import subprocess
import sys
from pathlib import Path

import pytest

SCHEMAS = {
    "vendor.github-workflows": ".github/workflows/*.yml",
    "vendor.dependabot": ".github/dependabot.yml",
}


def run(program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a checker that is installed beside this Python."""
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_of_this_repository_match_their_schema(template: Path, schema: str) -> None:
    """A misspelt key is an error here, and nothing at all on GitHub."""
    check_schema(template, schema)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_of_a_service_match_their_schema(service: Path, schema: str) -> None:
    """The same holds for what is rendered."""
    check_schema(service, schema)


def check_schema(folder: Path, schema: str) -> None:
    """Check every file that a schema is for; there is at least one."""
    names = [str(path) for path in folder.glob(SCHEMAS[schema])]
    assert names
    done = run("check-jsonschema", "--builtin-schema", schema, *names, cwd=folder)
    assert done.returncode == 0, done.stdout


def test_workflows_of_this_repository_are_safe(template: Path) -> None:
    """No injection, no unpinned action, no right that is not needed."""
    done = run("zizmor", "--offline", "--no-progress", ".github", cwd=template)
    assert done.returncode == 0, done.stdout


def test_workflows_of_a_service_are_safe(service: Path) -> None:
    """The same holds for what is rendered."""
    done = run("zizmor", "--offline", "--no-progress", ".github", cwd=service)
    assert done.returncode == 0, done.stdout
