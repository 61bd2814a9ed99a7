"""A rendered service of each framework, and how commands are run in it."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.fixtures import project, projects
from tests.harness.projects import Project
from tests.support import GIT_ENVIRONMENT, commit, git

__all__ = ["project", "projects"]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def rendered(project: Project) -> Path:
    """Return a service with all its dependency groups in `.venv`. Only to be read."""
    return project.development


@pytest.fixture(scope="session")
def run() -> Run:
    """Return a function that runs a command in a folder and hands back what it said."""

    def done(
        *command: str, cwd: Path | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        environ = dict(os.environ) if env is None else env
        return subprocess.run(
            command, cwd=cwd, env=environ, check=False, capture_output=True, text=True
        )

    return done


@pytest.fixture(scope="session")
def environment(rendered: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment in which a checkout uses the packages of the rendered service."""
    # The service's own pytest is no worker of the one that runs here.
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    environ = kept | GIT_ENVIRONMENT
    environ["UV_PROJECT_ENVIRONMENT"] = str(rendered / ".venv")
    environ["PRE_COMMIT_HOME"] = str(tmp_path_factory.mktemp("pre-commit"))
    return environ


@pytest.fixture(scope="session")
def clean(rendered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout of the rendered service with one commit."""
    target = tmp_path_factory.mktemp("quality") / "service"
    ignored = shutil.ignore_patterns(".git", ".venv", ".data", ".*_cache", "__pycache__")
    shutil.copytree(rendered, target, ignore=ignored)
    commit(target, "chore: start")
    return target


@pytest.fixture
def checkout(clean: Path) -> Iterator[Path]:
    """Return the checkout, and undo afterwards whatever a test does to it."""
    start = git(clean, "rev-parse", "HEAD")
    yield clean
    git(clean, "reset", "--quiet", "--hard", start)
    git(clean, "clean", "--quiet", "--force", "-d")
    for tag in git(clean, "tag").split():
        git(clean, "tag", "--delete", tag)


def plant(checkout: Path, name: str, text: str) -> None:
    """Write a file and stage it."""
    (checkout / name).parent.mkdir(parents=True, exist_ok=True)
    (checkout / name).write_text(text)
    git(checkout, "add", "--force", name)
