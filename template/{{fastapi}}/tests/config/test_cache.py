"""The cache never fails a request, keeps to its own keys and comes back by itself."""

import asyncio
from uuid import uuid4

import pytest
from redis import Redis, RedisError
from redis import asyncio as aioredis
from structlog.testing import capture_logs

from config import redis
from config.cache import Cache, cache
from config.environment import load
from observability import figures, metrics


class Server(aioredis.Redis):
    """A server that a test can take away; it keeps bytes by name."""

    def __init__(self) -> None:
        self.away, self.entries = False, dict[str, bytes]()

    def __del__(self, *_: object) -> None:
        """There is no connection to close."""

    async def get(self, name: str) -> bytes | None:  # type: ignore[override]
        self._answer()
        return self.entries.get(name)

    async def set(self, name: str, value: bytes, **_: object) -> None:  # type: ignore[override]
        self._answer()
        self.entries[name] = value

    async def delete(self, name: str) -> None:  # type: ignore[override]
        self._answer()
        self.entries.pop(name, None)

    def _answer(self) -> None:
        if self.away:
            raise RedisError


@pytest.fixture
def server() -> Server:
    """Return a server that answers."""
    return Server()


@pytest.fixture
def key() -> str:
    """Return a key of this test alone."""
    return uuid4().hex


async def test_without_a_server_the_stand_in_answers(server: Server) -> None:
    """Every operation works, and nobody sees an error."""
    server.away = True
    made = Cache(server, "orders")
    assert await made.get("a") is None
    await made.set("a", {"b": [1, None]}, 60)
    assert await made.get("a") == {"b": [1, None]}
    await made.delete("a")
    assert await made.get("a") is None


async def test_the_loss_is_said_once(server: Server) -> None:
    """One line, however many calls follow."""
    server.away = True
    made = Cache(server, "orders")
    with capture_logs() as events:
        for _ in range(5):
            await made.get("a")
    assert [event["event"] for event in events] == ["cache_fallback_begin"]
    assert b"\ncache_fallback 1.0\n" in metrics.scrape()[0]


async def test_it_comes_back_by_itself(server: Server) -> None:
    """After the pause one call tries again; from then on Redis answers, and nothing stale."""
    made = Cache(server, "orders")
    made._breaker.retry_after = 0.05
    await made.set("a", "remote", 60)
    server.away = True
    with capture_logs() as events:
        assert await made.get("a") is None
        await made.set("a", "local", 60)
        assert await made.get("a") == "local"
        server.away = False
        await asyncio.sleep(0.06)
        assert await made.get("a") == "remote"
    assert [event["event"] for event in events] == ["cache_fallback_begin", "cache_fallback_end"]
    assert b"\ncache_fallback 0.0\n" in metrics.scrape()[0]
    assert made._local.get("orders:a") is None


async def test_hits_and_misses_are_counted(server: Server) -> None:
    """The one line of a request tells what its cache was worth."""
    made = Cache(server, "orders")
    cost = figures.begin()
    await made.get("a")
    await made.set("a", 1, 60)
    await made.get("a")
    assert (cost.cache_hits, cost.cache_misses) == (1, 1)


@pytest.mark.integration
async def test_the_process_s_cache_uses_our_prefix(key: str) -> None:
    """A value comes back until its time is over, under a key that begins with our name."""
    await cache().set(key, [1, 2], 60)
    assert await cache().get(key) == [1, 2]
    with Redis.from_url(load().redis) as client:
        name = f"{redis.prefix(load())}:{key}"
        assert 0 < client.pttl(name) <= 60_000
    await cache().delete(key)
    assert await cache().get(key) is None
    await cache().close()
