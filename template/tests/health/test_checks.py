"""Dependencies are examined together, in bounded time, once for all who ask."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from config import migrations
from config.environment import load
from health import checks
from health.checks import Monitor


class Dependency:
    """A dependency that counts who asks, and hangs when it is told to."""

    def __init__(self, name: str) -> None:
        self.name, self.asked = name, 0
        self.answers = threading.Event()
        self.answers.set()

    def __call__(self) -> dict[str, str]:
        self.asked += 1
        self.answers.wait()
        return {self.name: "up"}


@pytest.fixture
def first() -> Iterator[Dependency]:
    """Return a dependency that is let go after the test."""
    dependency = Dependency("first")
    yield dependency
    dependency.answers.set()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an examination take 0.3 seconds at most, and its report be old at once."""
    monkeypatch.setattr(checks, "EXAMINE_SECONDS", 0.3)
    monkeypatch.setattr(checks, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(Monitor.latest, "__defaults__", (0.0,))


def test_a_report_is_shared_for_a_second(first: Dependency) -> None:
    """However many probes come, the dependency is asked once."""
    monitor = Monitor({"first": first})
    reports = {id(monitor.report()) for _ in range(50)}
    assert len(reports) == 1
    assert first.asked == 1


def test_simultaneous_probes_make_one_examination(first: Dependency) -> None:
    """Without a report all callers wait for the same one."""
    monitor = Monitor({"first": first})
    first.answers.clear()
    with ThreadPoolExecutor(8) as callers:
        waiting = [callers.submit(monitor.report) for _ in range(8)]
        time.sleep(0.05)
        first.answers.set()
        assert len({id(report.result(timeout=5)) for report in waiting}) == 1
    assert first.asked == 1


def test_a_hanging_dependency_is_down_in_time(first: Dependency, hurried: None) -> None:
    """The others are reported all the same, and the total time is bounded."""
    second = Dependency("second")
    monitor = Monitor({"first": first, "second": second})
    first.answers.clear()
    started = time.monotonic()
    assert monitor.report().checks == {"first": "down", "second": "up"}
    assert time.monotonic() - started < 1


def test_a_hanging_check_is_not_started_again(first: Dependency, hurried: None) -> None:
    """Probes of an hour do not pile up threads; afterwards the check recovers by itself."""
    monitor = Monitor({"first": first})
    first.answers.clear()
    for _ in range(3):
        assert monitor.report().checks == {"first": "down"}
    assert first.asked == 1
    first.answers.set()
    assert monitor.report().checks == {"first": "up"}


def test_meanwhile_others_get_the_last_report(first: Dependency, hurried: None) -> None:
    """One caller waits for the new report, the rest is answered at once."""
    monitor = Monitor({"first": first})
    old = monitor.report()
    first.answers.clear()
    with ThreadPoolExecutor(1) as callers:
        conductor = callers.submit(monitor.report)
        while first.asked < 2:
            time.sleep(0.01)
        assert monitor.report() is old
        assert conductor.result(timeout=5).checks == {"first": "down"}


def test_a_failure_is_logged_by_its_kind(first: Dependency) -> None:
    """The text of an error may hold an address, so only its class is written."""

    def fail() -> dict[str, str]:
        raise ConnectionRefusedError("hunter2@db")

    monitor = Monitor({"first": first, "second": fail})
    with capture_logs() as events:
        assert monitor.report().checks == {"first": "up", "second": "down"}
    assert [(event["check"], event["error"]) for event in events] == [
        ("second", "ConnectionRefusedError")
    ]


def test_a_report_ages() -> None:
    """Its age is that of its making."""
    monitor = Monitor({"first": lambda: {"first": "up"}})
    report = monitor.report()
    assert monitor.latest() is monitor.report() is report
    assert monitor.latest(0) is None


@pytest.mark.integration
def test_an_unmigrated_database_is_pending(
    scratch_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A database without our tables is up, and its migrations are named in the log."""
    changed = load().model_copy(update={"database_url": SecretStr(scratch_database)})
    monkeypatch.setattr(checks, "load", lambda: changed)
    with capture_logs() as events:
        assert checks.monitor._checks["database"]() == {"database": "up", "migrations": "pending"}
    assert any("0001_initial" in name for name in events[0]["migrations"])


@pytest.mark.integration
def test_a_migrated_database_lacks_nothing(database: None) -> None:
    """What the code brings is what the database has."""
    with psycopg.connect(load().database) as connection:
        assert migrations.pending(connection) == []
