"""Fixtures of the folders that run services."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.projects import Project, Projects, shared_folder


@pytest.fixture(scope="session")
def projects(template: Path) -> Iterator[Projects]:
    """Yield the services of this run."""
    with shared_folder() as folder:
        yield Projects(template, folder)


@pytest.fixture(scope="session")
def project(projects: Projects, framework: str) -> Project:
    """Return the service of each framework in turn."""
    return projects[framework]
