"""What the service depends on, examined together, each within its own time."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

import psycopg
import structlog

from config import migrations, postgres, redis
from config.environment import load

CHECK_SECONDS = 2  # one connection attempt; PostgreSQL takes no less
EXAMINE_SECONDS = 3.0  # everything together
FRESH_SECONDS, STALE_SECONDS = 1.0, 5.0  # a report is reused, is better than waiting

log = structlog.stdlib.get_logger("health")


@dataclass(frozen=True)
class Report:
    """The state of every dependency, "up" or what is wrong with it."""

    checks: dict[str, str]
    made: float = field(default_factory=time.monotonic)


def _database() -> dict[str, str]:
    parameters = {**postgres.parameters(load()), "connect_timeout": CHECK_SECONDS}
    with psycopg.connect(**parameters, autocommit=True) as connection:
        pending = migrations.pending(connection)
    if pending:
        log.warning("migrations_pending", migrations=pending)
    return {"database": "up", "migrations": "pending" if pending else "up"}


def _redis() -> dict[str, str]:
    redis.ping(load(), CHECK_SECONDS)
    return {"redis": "up"}


class Monitor:
    """Examines the dependencies at most once a second, however many ask."""

    def __init__(self, checks: dict[str, Callable[[], dict[str, str]]]) -> None:
        """Take the checks by the name of what they examine; threads start at the first use."""
        self._checks = checks
        self._lock = Lock()
        self._latest: Report | None = None
        self._running: Future[Report] | None = None
        self._conductor = ThreadPoolExecutor(1, "health")
        self._pools = {name: ThreadPoolExecutor(1, f"health-{name}") for name in checks}
        self._started: dict[str, Future[dict[str, str]]] = {}

    def latest(self, seconds: float = FRESH_SECONDS) -> Report | None:
        """Return the last report if it is younger than `seconds`."""
        report = self._latest
        return report if report and time.monotonic() - report.made < seconds else None

    def report(self) -> Report:
        """Return a report of this moment.

        One caller waits for the examination, 3 seconds at most; the others get the last
        report meanwhile, so that probes never fill the threads they share with requests.
        """
        with self._lock:
            if report := self.latest():
                return report
            mine = self._running is None or self._running.done()
            if mine:
                self._running = self._conductor.submit(self._examine)
            running = self._running
        if not mine and (report := self.latest(STALE_SECONDS)):
            return report
        assert running is not None  # noqa: S101 - set above
        return running.result()

    def _examine(self) -> Report:
        until = time.monotonic() + EXAMINE_SECONDS
        found: dict[str, str] = {}
        for name, check in self._checks.items():
            # A check that hangs on a stopped server is not started again until it ends.
            if name not in self._started or self._started[name].done():
                self._started[name] = self._pools[name].submit(check)
        for name, started in self._started.items():
            try:
                found |= started.result(timeout=max(until - time.monotonic(), 0))
            except Exception as error:  # noqa: BLE001 - whatever it is, the dependency is down
                log.warning("check_failed", check=name, error=type(error).__name__)
                found[name] = "down"
        self._latest = Report(found)
        return self._latest


monitor = Monitor({"database": _database, "redis": _redis})
