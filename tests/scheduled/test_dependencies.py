"""A service starts on the newest and on the lowest production dependencies that it allows."""

import shutil
from pathlib import Path

import pytest

from tests.harness.projects import Project, Projects, uv
from tests.harness.roles import Role, complete_environment, free_port
from tests.harness.servers import Servers

pytestmark = pytest.mark.scheduled


@pytest.fixture
def service(projects: Projects, framework: str, tmp_path: Path) -> Path:
    """Return a service whose lock file is not made yet, where every user can read it."""
    folder = tmp_path / "service"
    shutil.copytree(projects[framework].service, folder, ignore=shutil.ignore_patterns(".venv"))
    (folder / "uv.lock").unlink()
    return folder


def test_every_role_starts(
    service: Path, projects: Projects, framework: str, request: pytest.FixtureRequest
) -> None:
    """Production dependencies only: development's packages would hide one that is missing."""
    resolution = request.config.getoption("--resolution", default="highest")
    uv(service, "lock", f"--resolution={resolution}", "--upgrade")
    uv(service, "sync", "--frozen", "--no-default-groups", venv=service / ".venv")
    python = str(service / ".venv" / "bin" / "python")
    project: Project = projects[framework]
    with Servers() as servers:
        environ = complete_environment(**servers.urls, PORT=free_port())
        del environ["ALLOW_DUMMY_PROVIDERS"]
        for arguments in (["migrate"], ["manage", "check"]):
            with Role(project, *arguments, environ=environ, tree=service, call=(python,)) as role:
                assert role.wait() == 0, role.text
        with Role(project, "web", environ=environ, tree=service, call=(python,)) as web:
            web.wait_until_it_serves()
            assert web.get("/ready").status_code == 200
            assert web.stop() == 0
