"""A worn process gets its successor before it is stopped, one at a time."""

from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.arbiter import Arbiter
from structlog.testing import capture_logs

from config import recycling
from config.recycling import RollingArbiter, Wear


@pytest.fixture(autouse=True)
def _short_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three requests wear a process out."""
    monkeypatch.setattr(recycling, "load", lambda: SimpleNamespace(max_requests=3))


def worker(pid: int, *, worn: bool = False) -> Any:
    """Return a worker that has had its share of requests, or none."""
    wear = Wear()
    for _ in range(3 * worn):
        wear.count()
    return SimpleNamespace(pid=pid, age=pid, wear=wear, place=str(pid))


@pytest.fixture
def arbiter(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return an arbiter without a server, which notes how many processes it starts."""
    monkeypatch.setattr(Arbiter, "manage_workers", lambda _: None)
    made: Any = RollingArbiter.__new__(RollingArbiter)
    made.WORKERS, made.spawned = {}, 0

    def spawn() -> None:
        made.spawned += 1

    made.spawn_worker = spawn
    return made


def test_a_process_wears_out() -> None:
    """After its share of requests, not before."""
    wear = Wear()
    wear.count()
    wear.count()
    assert not wear.is_worn
    wear.count()
    wear.count()
    assert wear.is_worn


def test_shares_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that started together do not end together."""
    monkeypatch.setattr(recycling, "load", lambda: SimpleNamespace(max_requests=1000))
    assert len({Wear()._left for _ in range(20)}) > 1


def test_a_worn_process_gets_a_successor(arbiter: Any) -> None:
    """It becomes the oldest, which is the one that gunicorn stops."""
    arbiter.WORKERS = {1: worker(1), 2: worker(2, worn=True)}
    with capture_logs() as events:
        arbiter.manage_workers()
    assert arbiter.spawned == 1
    assert arbiter.WORKERS[2].age == 0
    assert [(event["event"], event["worker_pid"]) for event in events] == [("worker_recycled", 2)]


def test_one_at_a_time(arbiter: Any) -> None:
    """While one is replaced, the next worn one goes on."""
    arbiter.WORKERS = {1: worker(1, worn=True), 2: worker(2, worn=True)}
    for _ in range(3):
        arbiter.manage_workers()
    assert arbiter.spawned == 1


def test_fresh_processes_are_left_alone(arbiter: Any) -> None:
    """Nothing happens where nothing is worn."""
    arbiter.WORKERS = {1: worker(1)}
    arbiter.manage_workers()
    assert arbiter.spawned == 0


def test_each_process_counts_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The arbiter sees what the process counted, through memory that both have."""
    monkeypatch.setattr(recycling, "wear", Wear())
    forked = worker(1)
    recycling.before_fork(SimpleNamespace(WORKERS={}), forked)
    for _ in range(3):
        recycling.count()
    assert forked.wear.is_worn


def test_each_process_has_a_place_of_its_own(arbiter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the lowest that is free, so that places, and files of metrics, stay few."""
    monkeypatch.setattr(recycling, "wear", None)
    arbiter.WORKERS = {pid: worker(pid) for pid in (0, 1, 3)}
    forked = worker(9)
    recycling.before_fork(arbiter, forked)
    assert forked.place == "2"
