"""A PostgreSQL and a Valkey of a test's own, which it may stop, freeze and continue."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import psycopg
import redis

from tests.harness.waiting import until
from tests.support import ROOT

PROGRAM = """
import json, sys
from pathlib import Path
from dev.servers import Postgres, start
if sys.argv[3]:
    Postgres.wheel, Postgres.programs = "none", (sys.argv[3],)
print(json.dumps(start(Path(sys.argv[1]), sys.argv[2])), flush=True)
sys.stdin.read()
"""
FAREWELL = {"postgres": signal.SIGINT, "valkey": signal.SIGTERM}


class Servers:
    """The pair of servers that `dev/servers.py` of the template starts."""

    def __init__(self, cluster_name: str = "contract", postgres: str = "") -> None:
        """Start both, PostgreSQL from the wheel or the program `postgres`.

        Production refuses a cluster with the default name.
        """
        # Root's servers run as a user who cannot enter pytest's folders.
        self.folder = Path(tempfile.mkdtemp(prefix="contract-"))
        self.folder.chmod(0o755)
        given = ("DATABASE_URL", "REDIS_URL", "POSTGRES_HOST")
        environ = {name: text for name, text in os.environ.items() if name not in given}
        self._holder = subprocess.Popen(
            [sys.executable, "-B", "-c", PROGRAM, str(self.folder), cluster_name, postgres],
            cwd=ROOT / "template",
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout
        self.urls: dict[str, str] = json.loads(self._holder.stdout.readline())

    def __enter__(self) -> Self:
        """Return the pair."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop both and wait until they are gone."""
        for name in FAREWELL:
            signal_all([*self._guards(name), *self.pids(name)], signal.SIGCONT)
        self._holder.communicate()
        until(
            lambda: not any(self._guards(name) + self.pids(name) for name in FAREWELL),
            "a server does not end",
        )
        shutil.rmtree(self.folder)

    def sql(self, query: str, address: str = "", **values: object) -> list[tuple[Any, ...]]:
        """Run a statement as the superuser and return its rows; `%(name)s` stands for a value."""
        address = address or self.urls["DATABASE_URL"]
        with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        name = f"fresh_{uuid.uuid4().hex[:8]}"
        self.sql(f"CREATE DATABASE {name}")
        return f"{self.urls['DATABASE_URL'].rpartition('/')[0]}/{name}"

    def pids(self, name: str) -> list[int]:
        """Return the processes of `postgres` or `valkey`; zombies do not count."""
        place, guards = str(self.folder / ".data" / name), self._guards(name)
        found = processes(lambda process: os.readlink(process / "cwd").startswith(place))
        return [pid for pid in found if pid not in guards]

    def freeze(self, name: str) -> None:
        """Stop every process of a server: it is there, takes connections, and is silent."""
        signal_all(self.pids(name), signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let a frozen server go on."""
        signal_all(self.pids(name), signal.SIGCONT)

    def halt(self, name: str) -> None:
        """End a server and keep it down."""
        signal_all(self._guards(name), signal.SIGSTOP)
        running = self.pids(name)
        # A PostgreSQL whose postmaster is told tells its backends.
        signal_all(running if name == "valkey" else [self._postmaster()], FAREWELL[name])
        until(lambda: not self.pids(name), f"{name} does not end")

    def restart(self, name: str) -> None:
        """Start a server that was halted, and wait until it answers."""
        signal_all(self._guards(name), signal.SIGCONT)
        until(lambda: self._answers(name), f"{name} does not come back")

    def _postmaster(self) -> int:
        [file] = self.folder.glob(".data/postgres/*/postmaster.pid")
        return int(file.read_text().splitlines()[0])

    def _guards(self, name: str) -> list[int]:
        call = f"\0guard\0{name}\0{self.folder}\0".encode()
        return processes(lambda process: call in (process / "cmdline").read_bytes())

    def _answers(self, name: str) -> bool:
        with contextlib.suppress(psycopg.OperationalError, redis.RedisError):
            if name == "valkey":
                return bool(redis.Redis.from_url(self.urls["REDIS_URL"]).ping())
            return bool(self.sql("SELECT 1"))
        return False


def processes(belongs: Callable[[Path], bool]) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if belongs(process):
                found.append(int(process.name))
    return found


def signal_all(pids: Sequence[int], which: signal.Signals) -> None:
    """Send a signal to each process that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, which)
