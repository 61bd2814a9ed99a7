"""The cache never fails a request, keeps to its own keys and comes back by itself."""

import time
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.cache import cache
from redis import Redis, RedisError
from redis.connection import Connection
from redis.retry import Retry
from structlog.testing import capture_logs

from config import redis, resilience
from config.cache import ResilientCache
from config.environment import load
from config.resilience import LOCAL_SECONDS
from observability import figures, metrics


class Wire(Connection):
    """A connection that a test can cut."""

    cut = False

    def send_packed_command(self, *args: object, **kwargs: object) -> None:
        if Wire.cut:
            raise RedisError("cut")
        super().send_packed_command(*args, **kwargs)  # type: ignore[no-untyped-call]


def build(address: str, **options: object) -> ResilientCache:
    """Return a cache with a breaker and a stand-in of its own."""
    params = {"KEY_PREFIX": redis.prefix(load()), "OPTIONS": redis.options(load(), Retry) | options}
    made = ResilientCache(address, params)
    made._breaker = resilience.Breaker()
    made._local.clear()
    return made


@pytest.fixture
def lost(tmp_path: Path) -> ResilientCache:
    """Return a cache whose server is not there."""
    return build(f"unix://{tmp_path / 'nothing'}")


@pytest.fixture
def key() -> str:
    """Return a key of this test alone."""
    return uuid4().hex


def test_without_a_server_the_stand_in_answers(lost: ResilientCache, key: str) -> None:
    """Every operation works, and nobody sees an error."""
    assert lost.get(key) is None
    assert lost.get(key, "default") == "default"
    lost.set(key, {"a": 1}, 60)
    assert lost.get(key) == {"a": 1}
    assert lost.has_key(key)
    assert not lost.add(key, 2)
    assert lost.get_many([key, "other"]) == {key: {"a": 1}}
    lost.set_many({key: 1})
    assert lost.incr(key) == 2
    assert lost.touch(key, 60)
    assert lost.delete(key)
    lost.delete_many([key])
    lost.clear()
    assert lost.get(key) is None


def test_the_loss_is_said_once(lost: ResilientCache, key: str) -> None:
    """One line, however many calls follow, and only the first call waits for the server."""
    with capture_logs() as events:
        for _ in range(5):
            lost.get(key)
    assert [event["event"] for event in events] == ["cache_fallback_begin"]
    assert b"\ncache_fallback 1.0\n" in metrics.scrape()[0]


def test_the_stand_in_forgets_soon(lost: ResilientCache) -> None:
    """What may be stale lives half a minute at most, also where it was meant for ever."""
    latest = time.time() + LOCAL_SECONDS
    for timeout in (3600, None):
        assert lost._local.get_backend_timeout(timeout) == pytest.approx(latest, abs=1)
    assert lost._local.get_backend_timeout(5) == pytest.approx(time.time() + 5, abs=1)


def test_hits_and_misses_are_counted(lost: ResilientCache, key: str) -> None:
    """A stored None is a hit."""
    cost = figures.begin()
    lost.get(key)
    lost.set(key, None)
    lost.get(key)
    assert (cost.cache_hits, cost.cache_misses) == (1, 1)


@pytest.mark.integration
def test_django_uses_it_with_our_prefix(key: str) -> None:
    """A value comes back until its time is over, under a key that begins with our name."""
    cache.set(key, [1, 2], 60)
    assert cache.get(key) == [1, 2]
    with Redis.from_url(load().redis) as client:
        names = [name.decode() for name in client.keys(f"*{key}")]
        assert names == [f"{redis.prefix(load())}:1:{key}"]
        assert 0 < client.ttl(names[0]) <= 60
    cache.delete(key)
    assert cache.get(key) is None


@pytest.mark.integration
def test_it_comes_back_by_itself(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the pause one call tries again; from then on Redis answers, and nothing stale."""
    made = build(load().redis, connection_class=Wire)
    made._breaker.retry_after = 0.05
    made.set(key, "remote", 60)
    monkeypatch.setattr(Wire, "cut", True)
    with capture_logs() as events:
        assert made.get(key) is None
        made.set(key, "local", 60)
        assert made.get(key) == "local"
        monkeypatch.setattr(Wire, "cut", False)
        time.sleep(0.06)
        assert made.get(key) == "remote"
    assert [event["event"] for event in events] == ["cache_fallback_begin", "cache_fallback_end"]
    assert b"\ncache_fallback 0.0\n" in metrics.scrape()[0]
    assert made._local.get(key) is None
