"""A rendered service of each framework, and how commands are run in it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.fixtures import project, projects
from tests.harness.projects import Project

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
