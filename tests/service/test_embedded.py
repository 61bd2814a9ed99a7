"""The embedded servers of a service: one pair per project, whatever happens to whoever uses it."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc"),
    pytest.mark.timeout(120),
]

DEV = Path(__file__).resolve().parents[2] / "template" / "dev"
NOBODY = 65534
PROGRAM = """
import json, os, sys
from dev.servers import ServerError, start
try:
    print(json.dumps(start()), flush=True)
except ServerError as error:
    sys.exit(str(error))
{then}
sys.stdin.read()
"""
EXEC = "os.execv(sys.executable, [sys.executable, '-c', 'import sys; sys.stdin.read()'])"


class User:
    """A program that starts the servers of a project and uses them until it is told to leave."""

    def __init__(
        self,
        project: Path,
        *options: str,
        then: str = "",
        **environment: str,
    ) -> None:
        given = ("DATABASE_URL", "REDIS_URL", "POSTGRES_HOST")
        inherited = {name: text for name, text in os.environ.items() if name not in given}
        self.process = subprocess.Popen(
            [sys.executable, *options, "-c", PROGRAM.format(then=then)],
            cwd=project,
            env=inherited | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._urls: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    @property
    def urls(self) -> dict[str, str]:
        """Wait for the servers and return their addresses."""
        if not self._urls:
            assert self.process.stdout
            answer = self.process.stdout.readline()
            assert answer, self.error()
            self._urls = json.loads(answer)
        return self._urls

    def error(self) -> str:
        """Wait for the program's end and return what it complained of."""
        _, complaint = self.process.communicate()
        return str(complaint)

    def sql(self, query: str) -> str:
        """Run a query that answers with one value, in a transaction of its own."""
        with psycopg.connect(self.urls["DATABASE_URL"], connect_timeout=5) as connection:
            cursor = connection.execute(query.encode())
            return str((cursor.fetchone() or ("",))[0]) if cursor.description else ""

    @property
    def valkey(self) -> redis.Redis:
        """A client of the cache."""
        return redis.Redis.from_url(self.urls["REDIS_URL"], decode_responses=True)


Project = Callable[[str], Path]
GUARD, POSTMASTER, VALKEY = "\0guard\0", "postgres\0-D\0", "valkey-server\0valkey.conf"


@pytest.fixture
def new_project() -> Iterator[Project]:
    """Return a function that makes a project; at the end none of its processes may be left.

    They do not lie in pytest's folders, which are closed to the account that root's servers run as.
    """
    with tempfile.TemporaryDirectory(prefix="embedded-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103 - see above

        def made(name: str) -> Path:
            project = Path(folder) / name
            shutil.copytree(DEV, project / "dev", ignore=shutil.ignore_patterns("__pycache__"))
            return project

        yield made
        eventually(lambda: not processes(Path(folder)), "a process was left")


@pytest.fixture
def project(new_project: Project) -> Path:
    """Return a project in a folder whose name is not simple."""
    return new_project("mein Prüfstück")


def processes(project: Path, kind: str = "") -> list[int]:
    """Return the guards and servers of a project, or those whose arguments hold `kind`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = os.fsdecode((entry / "cmdline").read_bytes())
            folder = os.readlink(entry / "cwd")
            ours = str(project) in arguments or f"{project}/.data" in folder
            if ours and kind in arguments:
                found.append(int(entry.name))
    return found


def eventually(done: Callable[[], object], otherwise: str, seconds: float = 15) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if done():
            return
        time.sleep(0.02)
    pytest.fail(otherwise)


def kill(pids: list[int], number: int = signal.SIGKILL) -> None:
    """Send a signal to processes that must be there."""
    assert pids
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # a backend may go with the one before it
            os.kill(pid, number)


def stop(project: Path) -> None:
    """Run `make stop`'s program."""
    subprocess.run([sys.executable, "dev/servers.py", "stop"], cwd=project, check=True)


def test_first_start_gives_both_servers(project: Path) -> None:
    """A new project has PostgreSQL 18, which knows the case of É and its own name, and a cache."""
    with User(project) as user:
        assert user.sql("SELECT version()").startswith("PostgreSQL 18.")
        assert user.sql("SELECT lower('É')") == "é"
        provider = "SELECT datlocprovider FROM pg_database WHERE datname = 'app'"
        assert user.sql(provider) == "b"  # PostgreSQL's own rules, not the machine's
        assert user.sql("SHOW cluster_name") == "embedded-development"
        assert user.valkey.ping()


def test_passwords_are_needed_and_private(project: Path) -> None:
    """Nobody else of this machine can read a password, or enter without one."""
    with User(project) as user:
        port = urlsplit(user.urls["REDIS_URL"]).port or 0
        stranger = redis.Redis(port=port, retry=Retry(NoBackoff(), 0))
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(user.urls["DATABASE_URL"], passfile="/dev/null", password="")
        with pytest.raises(redis.AuthenticationError):
            stranger.ping()
        for name in ("postgres/password", "valkey/password", "valkey/valkey.conf"):
            assert (project / ".data" / name).stat().st_mode & 0o077 == 0


def test_second_start_joins_and_last_one_out_stops(project: Path) -> None:
    """Two users share a pair of servers, which the first one's end leaves alone."""
    with User(project) as first:
        assert first.urls
        with User(project) as second:
            assert second.urls == first.urls
            first.process.communicate()
            time.sleep(0.5)
            assert second.sql("SELECT 1") == "1"
            assert second.valkey.ping()
    eventually(lambda: not processes(project), "the servers outlived their last user")


def test_first_starts_at_once_make_one_pair(project: Path) -> None:
    """Four programs that all find nothing end up with the same servers."""
    with User(project) as a, User(project) as b, User(project) as c, User(project) as d:
        assert a.urls == b.urls == c.urls == d.urls
        assert d.sql("SELECT 1") == "1"
        assert len(processes(project, POSTMASTER)) == len(processes(project, VALKEY)) == 1


def test_crashed_server_comes_back_with_its_rows(project: Path) -> None:
    """A killed PostgreSQL is back at its address with what was committed, and so is Valkey."""
    with User(project) as user:
        user.sql("CREATE TABLE kept AS SELECT 42 AS answer")
        old = processes(project, POSTMASTER) + processes(project, VALKEY)
        kill(old)
        eventually(lambda: not {*old} & {*processes(project)}, "a server outlived SIGKILL")
        eventually(lambda: works(user), "a server did not come back")
        assert user.sql("SELECT answer FROM kept") == "42"


def works(user: User) -> bool:
    """Say whether both servers of a user answer."""
    with contextlib.suppress(psycopg.OperationalError, redis.ConnectionError):
        return user.sql("SELECT 1") == "1" and bool(user.valkey.ping())
    return False


def test_killed_guard_is_replaced(project: Path) -> None:
    """Servers without a guard go on, and the next start's guard stops them at its end."""
    with User(project) as first:
        assert first.urls
        servers = processes(project, POSTMASTER)
        kill(processes(project, GUARD))
        eventually(lambda: not processes(project, GUARD), "a guard outlived SIGKILL")
        assert works(first)
        with User(project) as second:
            assert second.urls == first.urls
            assert processes(project, POSTMASTER) == servers
    eventually(lambda: not processes(project), "the servers outlived their last user")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_servers_end_with_their_user(project: Path, number: signal.Signals) -> None:
    """However a user ends, nothing of it is left."""
    with User(project) as user:
        assert works(user)
        user.process.send_signal(number)
    eventually(lambda: not processes(project), "the servers outlived their user", 5)


def test_interrupt_leaves_time_to_drain(project: Path) -> None:
    """Ctrl-C, which the whole terminal hears, leaves a service its servers while it drains."""
    with User(project, then="import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)") as user:
        assert works(user)
        time.sleep(0.2)
        os.killpg(user.process.pid, signal.SIGINT)
        time.sleep(0.5)
        assert works(user)


def test_exec_keeps_the_servers(project: Path) -> None:
    """A program that turns into another one keeps its servers, as `dev/run.py` does."""
    with User(project, then=EXEC) as user:
        assert user.urls
        eventually(
            lambda: b"import json" not in Path(f"/proc/{user.process.pid}/cmdline").read_bytes(),
            "the program did not turn into another one",
        )
        time.sleep(0.5)
        assert works(user)


def test_start_after_everything_was_killed(project: Path) -> None:
    """Committed rows survive the SIGKILL of every process at once, and a restart needs no help."""
    with User(project) as user:
        user.sql("CREATE TABLE kept AS SELECT 42 AS answer")
        kill(processes(project))
        user.process.kill()
    with User(project) as user:
        assert user.sql("SELECT answer FROM kept") == "42"


def test_stale_process_id_of_a_stranger(project: Path) -> None:
    """A process that took over a crashed PostgreSQL's id neither stops the start nor is touched."""
    with User(project) as user:
        assert user.urls
        kill(processes(project))
        user.process.kill()
    pid_file = project / ".data/postgres/18/postmaster.pid"
    account = pid_file.stat().st_uid if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "60"], user=account) as stranger:
        rest = pid_file.read_text().partition("\n")[2]
        pid_file.write_text(f"{stranger.pid}\n{rest}")
        with User(project) as user:
            assert user.sql("SELECT 1") == "1"
        assert stranger.poll() is None
        stranger.kill()


def test_backends_that_outlive_a_crash_are_waited_for(project: Path) -> None:
    """A new PostgreSQL does not write into a cluster while the old one's backend still works."""
    with User(project) as user, psycopg.connect(user.urls["DATABASE_URL"]) as connection:
        (old,) = processes(project, POSTMASTER)
        backend = connection.info.backend_pid
        kill([backend], signal.SIGSTOP)
        kill([old])
        time.sleep(1)
        running = processes(project, POSTMASTER)
        log = (project / ".data/run/postgres.log").read_text()
        kill([backend])
        assert "pre-existing shared memory block" in log, running
        # It recovers by writing the whole cluster to disk, which others may be busy with.
        eventually(lambda: works(user), "PostgreSQL did not come back", seconds=60)


def test_interrupted_first_start(project: Path) -> None:
    """A first start that is killed in the middle of making the cluster leaves nothing half done."""
    with User(project) as user:
        eventually(lambda: list(project.glob(".data/postgres/new-*/base")), "initdb did not start")
        user.process.kill()
        kill(processes(project, GUARD))
    with User(project) as user:
        assert works(user)
        eventually(lambda: not processes(project, "initdb"), "initdb was left")
    assert not list(project.glob(".data/postgres/new-*"))


def test_two_projects_side_by_side(new_project: Project) -> None:
    """Two projects have servers, ports and data of their own."""
    with User(new_project("one")) as one, User(new_project("two")) as two:
        one.sql("CREATE TABLE only_here (id int)")
        assert two.sql("SELECT count(*) FROM pg_tables WHERE tablename = 'only_here'") == "0"
        assert one.urls["REDIS_URL"] != two.urls["REDIS_URL"]


def test_ports_are_remembered_unless_they_are_taken(project: Path) -> None:
    """The addresses stay from run to run, but for a port that another program has now."""
    with User(project) as user:
        first = user.urls
    eventually(lambda: not processes(project), "the servers outlived their user")
    with User(project) as user:
        assert user.urls == first
    eventually(lambda: not processes(project), "the servers outlived their user")
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", urlsplit(first["DATABASE_URL"]).port))
        other.listen()
        with User(project) as user:
            assert user.urls["DATABASE_URL"] != first["DATABASE_URL"]
            assert works(user)


def test_deleted_data_ends_the_servers(project: Path) -> None:
    """`rm -rf .data` under running servers leaves no orphan, and the next start begins anew."""
    with User(project) as user:
        assert works(user)
        while (project / ".data").exists():
            shutil.rmtree(project / ".data", ignore_errors=True)
        eventually(lambda: not processes(project), "the servers outlived their data", 6)
        with User(project) as another:
            assert works(another)


def test_stop_waits_for_the_end(project: Path) -> None:
    """`stop` returns when both are gone, also used, halted or unguarded ones; their data stays."""
    with User(project) as user:
        user.sql("CREATE TABLE kept AS SELECT 42 AS answer")
        user.valkey.set("kept", "yes")
        kill(processes(project, VALKEY), signal.SIGSTOP)
        stop(project)
        assert not processes(project)
        with User(project) as another:
            assert another.sql("SELECT answer FROM kept") == "42"
            assert another.valkey.get("kept") == "yes"
            kill(processes(project, GUARD))
            stop(project)
            assert not processes(project)
    stop(project)


def test_addresses_of_the_environment_win(project: Path) -> None:
    """What the environment names is neither started nor waited for, each server on its own."""
    given = {"DATABASE_URL": "postgresql://elsewhere/app", "REDIS_URL": "redis://elsewhere/0"}
    with User(project, **given) as user:
        assert user.urls == given
        assert not (project / ".data").exists()
    with User(project, DATABASE_URL=given["DATABASE_URL"]) as user:
        assert user.urls["DATABASE_URL"] == given["DATABASE_URL"]
        assert user.valkey.ping()
        assert not (project / ".data/postgres").exists()
    with User(project, POSTGRES_HOST="elsewhere", REDIS_URL_FILE="/run/secrets/url") as user:
        assert user.urls == {}


def test_missing_program_is_named(project: Path) -> None:
    """Without a wheel and without a server on the machine, one sentence says what to do."""
    with User(project, "-S", PATH="", DATABASE_URL="postgresql://elsewhere/app") as user:
        assert "There is no Valkey here: run `uv sync`" in user.error()
    assert user.process.returncode == 1


def test_fault_of_a_server_is_shown(project: Path) -> None:
    """When a server refuses to start, the message ends with what it said itself."""
    with User(project) as user:
        assert user.urls
    eventually(lambda: not processes(project), "the servers outlived their user")
    with (project / ".data/postgres/18/postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = on\n")
    with User(project) as user:
        complaint = user.error()
        assert complaint.startswith("PostgreSQL did not start")
        assert 'unrecognized configuration parameter "no_such_setting"' in complaint
        assert "Traceback" not in complaint
        assert not processes(project)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_files_that_root_makes_belong_to_the_project_owner(project: Path) -> None:
    """Root's start in somebody's project leaves nothing that the owner could not use later."""
    os.chown(project, NOBODY, NOBODY)
    with User(project) as user:
        assert works(user)
    eventually(lambda: not processes(project), "the servers outlived their user")
    paths = [project / ".data", *(project / ".data").rglob("*")]
    assert {path.stat().st_uid for path in paths} == {NOBODY}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is dropped")
def test_root_in_a_private_folder(project: Path) -> None:
    """Where nobody else can enter, PostgreSQL runs in a namespace, or one sentence helps."""
    project.parent.chmod(0o700)
    with User(project) as user:
        if subprocess.run(["unshare", "--user", "true"], capture_output=True).returncode:
            assert "move the project out of your private folder" in user.error()
        else:
            assert works(user)
            assert (project / ".data/postgres").stat().st_uid == 0
