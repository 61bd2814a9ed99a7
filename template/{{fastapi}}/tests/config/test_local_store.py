"""The cache's stand-in store, with a clock that the test turns."""

import pytest

from config import local_store
from config.local_store import LocalStore
from config.resilience import LOCAL_ENTRIES, LOCAL_SECONDS
from tests.support import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replace the module's clock."""
    clock = Clock()
    monkeypatch.setattr(local_store, "time", clock)
    return clock


def test_the_store_keeps_and_forgets(clock: Clock) -> None:
    """What was set is there until it is deleted."""
    store = LocalStore()
    store.set("a", b"1", 10)
    store.set("b", b"2", 10)
    assert store.get("a") == b"1"
    store.delete("a")
    store.delete("a")
    assert (store.get("a"), store.get("b")) == (None, b"2")
    store.clear()
    assert store.get("b") is None


@pytest.mark.parametrize(("asked", "lives"), [(10.0, 10.0), (3600.0, LOCAL_SECONDS)])
def test_an_entry_expires(clock: Clock, asked: float, lives: float) -> None:
    """It never outlives what was asked for, and never the stand-in's own short limit."""
    store = LocalStore()
    store.set("a", b"1", asked)
    clock.now += lives - 0.1
    assert store.get("a") == b"1"
    clock.now += 0.1
    assert store.get("a") is None


def test_the_store_is_bounded(clock: Clock) -> None:
    """However long Redis is away, memory stays the same; the oldest entries go."""
    store = LocalStore()
    store.set("first", b"", 10)
    store.set("second", b"", 10)
    store.set("first", b"again", 10)
    for number in range(LOCAL_ENTRIES - 1):
        store.set(str(number), b"", 10)
    assert store.get("second") is None
    assert store.get("first") == b"again"
    assert store.get("0") == b""
