"""The one entrypoint of every role: `python src/entrypoint.py web | migrate | manage …`.

It checks the settings, waits for the servers that the role needs, then runs the role.
For `web` it stays as the supervisor: at SIGTERM it first turns /ready to 503, keeps
serving for DRAIN_SECONDS, then stops the server and gives it SHUTDOWN_TIMEOUT.

Exit codes: 0 done or stopped cleanly, 1 failed, 64 unknown role, 69 a server did not
answer, 78 configuration missing or unsafe.
"""

import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psycopg
import structlog
from redis import RedisError

from config import postgres, redis, runtime, startup
from config.environment import ConfigurationError, Environment

EXIT_FAILED, EXIT_USAGE, EXIT_UNAVAILABLE = 1, 64, 69
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0  # seconds
PARENT_CHECK = 1.0  # seconds
STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
# Any number, the same for ever. No parameter: a bound one would keep a snapshot open.
TAKE_MIGRATION_LOCK = "SELECT pg_try_advisory_xact_lock(5203172)"
MIGRATION_POLL = 0.5  # seconds
CANCEL_SECONDS = 10  # a stopped command gets to cancel its statement
SOURCE = Path(__file__).resolve().parent
MANAGE = [sys.executable, str(SOURCE.parent / "manage.py")]

T = TypeVar("T")
log = structlog.stdlib.get_logger("lifecycle")


def wait_for(name: str, attempt: Callable[[], T], attempts: int) -> T:
    """Return what `attempt` returns; while the server `name` is away, try again, ever later."""
    for tried in range(1, attempts + 1):
        try:
            return attempt()
        except (psycopg.OperationalError, RedisError) as error:
            first, *_ = str(error).strip().splitlines() or [""]
            fault = f"{type(error).__name__}: {first}"
        if tried < attempts:
            delay = min(FIRST_DELAY * 2 ** (tried - 1), LONGEST_DELAY) * random.uniform(0.8, 1)  # noqa: S311
            log.warning("waiting", server=name, attempt=tried, error=fault, delay_s=round(delay, 1))
            time.sleep(delay)
    log.critical("server did not answer", server=name, attempts=attempts, error=fault)
    sys.exit(EXIT_UNAVAILABLE)


def web(settings: Environment, _: list[str]) -> int:
    """Serve HTTP until told to stop."""
    if settings.environment == "build":
        raise ConfigurationError(["ENVIRONMENT: the build profile serves nothing"])
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        raise ConfigurationError(["TMPDIR: no folder is writable, mount a tmpfs at /tmp"]) from None
    connections = wait_for("database", lambda: postgres.verify(settings), settings.boot_attempts)
    wait_for("redis", lambda: redis.ping(settings, settings.redis_timeout), settings.boot_attempts)
    workers = runtime.web_workers(settings, connections)
    startup.announce(settings, workers=workers)
    if settings.is_primary and (code := apply_migrations(settings)):
        return code
    return supervise(settings, workers)


def migrate(settings: Environment, arguments: list[str]) -> int:
    """Apply the migrations and end."""
    wait_for("database", lambda: postgres.verify(settings), settings.boot_attempts)
    startup.announce(settings)
    return apply_migrations(settings, arguments)


def manage(settings: Environment, arguments: list[str]) -> int:
    """Become `manage.py` with these arguments."""
    sys.stdout.flush()
    os.execv(sys.executable, [*MANAGE, *arguments])  # noqa: S606 - our own file, no shell


ROLES = {"web": web, "migrate": migrate, "manage": manage}


def apply_migrations(settings: Environment, arguments: Sequence[str] = ()) -> int:
    """Run `manage.py migrate`, one process at a time whoever else tries; return its exit code."""
    with psycopg.connect(**postgres.parameters(settings)) as connection:
        # An open transaction holds the lock, behind PgBouncer too. It is asked for again and
        # again: who waits for it in SQL would block a CREATE INDEX CONCURRENTLY of its holder.
        while connection.execute(TAKE_MIGRATION_LOCK).fetchone() != (True,):
            connection.rollback()
            time.sleep(MIGRATION_POLL)
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        environ = {"DATABASE_STATEMENT_TIMEOUT": "3600"}
        code = run_logged([*MANAGE, "migrate", *arguments], environ, settings)
    if code:
        log.error("migration_failed", code=code)
        return EXIT_FAILED
    log.info("migrated")
    return 0


def run_logged(command: list[str], environ: dict[str, str], settings: Environment) -> int:
    """Run a command whose plain lines become JSON as our own; return its exit code."""
    as_it_is = settings.log_format == "console"
    with subprocess.Popen(  # noqa: S603 - our own file
        command,
        env={**os.environ, **environ},
        stdout=None if as_it_is else subprocess.PIPE,
        stderr=None if as_it_is else subprocess.STDOUT,
        text=True,
    ) as child:
        try:
            for line in child.stdout or ():
                if line.startswith("{"):
                    sys.stdout.write(line)
                elif line.strip():
                    log.info(line.strip())
        except BaseException:
            child.send_signal(signal.SIGINT)  # psycopg then cancels the running statement
            with suppress(subprocess.TimeoutExpired):
                child.wait(CANCEL_SECONDS)
            child.kill()
            raise
    return child.returncode


class Signals:
    """Turns signals into events that one thread waits for."""

    def __init__(self, *wanted: signal.Signals) -> None:
        """Catch the `wanted` signals from now on."""
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for wanted_signal in wanted:
            signal.signal(wanted_signal, lambda *_: None)

    def wait(self, until: float) -> int | None:
        """Return the next signal, or None when the monotonic time `until` has come."""
        ready = select.select([self._reader], [], [], max(until - time.monotonic(), 0))[0]
        return self._reader.recv(1)[0] if ready else None


class Child:
    """A server process in a session of its own; as PID 1 its orphans are ours to bury."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        """Start it with every inheritable descriptor of ours."""
        self.process = subprocess.Popen(  # noqa: S603 - our own module
            command, env=environ, close_fds=False, start_new_session=True
        )

    def ended(self) -> bool:
        """Bury whoever died; return whether the server itself did."""
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == self.process.pid:
                    self.process.returncode = os.waitstatus_to_exitcode(found[1])
        return self.process.returncode is not None

    def send(self, which: signal.Signals, *, everyone: bool = False) -> None:
        """Signal the server, or its whole session."""
        with suppress(ProcessLookupError):
            (os.killpg if everyone else os.kill)(self.process.pid, which)


def supervise(settings: Environment, workers: int) -> int:
    """Run the server until it ends or we are told to stop; return our exit code."""
    signals = Signals(*STOP_SIGNALS, signal.SIGCHLD)
    reader, writer = os.pipe()  # readable in the server: draining; hung up: we are gone
    os.set_inheritable(reader, True)
    counts = tempfile.TemporaryDirectory(prefix="metrics-")
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GUNICORN_")},
        "PYTHONPATH": str(SOURCE),
        "PROMETHEUS_MULTIPROC_DIR": counts.name,
        "SUPERVISOR_FD": str(reader),
        "WEB_CONCURRENCY": str(workers),
    }
    # -P: the folder that we were started in is no place for code.
    server = Child([sys.executable, "-P", "-m", "config.server"], environ)

    # On a developer's machine the service ends with whatever started it, also by SIGKILL.
    parent = os.getppid() if settings.environment == "development" else None

    def wait(seconds: float, deaf_until: float = 0) -> bool:
        """Return whether a stop signal came before the time was over or the server ended."""
        until = time.monotonic() + seconds
        while not server.ended():
            received = signals.wait(until)
            if received is None:
                return False
            if received in STOP_SIGNALS and time.monotonic() > deaf_until:
                return True
        return False

    try:
        while not wait(PARENT_CHECK) and not server.ended():
            if parent not in {None, os.getppid()}:
                log.warning("parent_gone")
                break
        if not server.ended():
            log.info("drain_begin", seconds=settings.drain_seconds)
            os.write(writer, b"1")
            # One Ctrl-C reaches us twice where `uv run` passes it on.
            deaf_until = time.monotonic() + 1
            hurried = wait(settings.drain_seconds, deaf_until)
            log.info("drain_end", hurried=hurried)
        if server.ended():
            log.critical("server ended by itself", code=server.process.returncode)
            return EXIT_FAILED
        stopping = time.monotonic()
        server.send(signal.SIGTERM)
        hurried = wait(settings.shutdown_timeout + 1, deaf_until)
        if not server.ended() or time.monotonic() - stopping > settings.shutdown_timeout:
            reason = "second signal" if hurried else "SHUTDOWN_TIMEOUT is over"
            log.error("stop_forced", reason=reason)
            return EXIT_FAILED
        log.info("stopped")
        return 0
    finally:
        signal.set_wakeup_fd(-1)  # a signal from now on has nobody to wake
        server.send(signal.SIGKILL, everyone=True)
        counts.cleanup()


def main(arguments: list[str]) -> int:
    """Run the role that the first argument names; return the exit code."""
    role = arguments[0] if arguments else ""
    if role not in ROLES:
        startup.end(EXIT_USAGE, "unknown role", [f"usage: entrypoint.py {' | '.join(ROLES)}"])
    for stop in STOP_SIGNALS:
        # A server that was stopped before it served is well; an unfinished migration is not.
        signal.signal(stop, lambda number, _: sys.exit(0 if role == "web" else 128 + number))
    settings = startup.begin(role)
    try:
        return ROLES[role](settings, arguments[1:])
    except ConfigurationError as error:
        startup.refuse(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
