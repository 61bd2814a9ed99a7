"""The cache: Redis, and a small store of this process while Redis is away.

Not for locks, revoked tokens or the broker: what they promise a local store cannot keep.
"""

import json
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, TypeVar

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.exceptions import RedisError

from config import redis
from config.environment import load
from config.local_store import LocalStore
from config.resilience import Breaker
from observability import figures

T = TypeVar("T")
log = structlog.stdlib.get_logger("cache")


class Cache:
    """Keeps JSON values for a while; its operations never fail for want of Redis."""

    def __init__(self, client: "Redis", prefix: str) -> None:
        """Use `client`; every key begins with `prefix`."""
        self._client, self._prefix = client, prefix
        self._breaker, self._local = Breaker(), LocalStore()

    async def get(self, key: str) -> Any:
        """Return the value, or None where there is none."""
        name = self._name(key)
        found = await self._call(lambda: self._client.get(name), lambda: self._local.get(name))
        figures.cached(hit=found is not None)
        return None if found is None else json.loads(found)

    async def set(self, key: str, value: Any, seconds: float) -> None:
        """Keep a JSON-serialisable `value` for `seconds`."""
        name, data = self._name(key), json.dumps(value).encode()
        await self._call(
            lambda: self._client.set(name, data, px=int(seconds * 1000)),
            lambda: self._local.set(name, data, seconds),
        )

    async def delete(self, key: str) -> None:
        """Forget the value."""
        name = self._name(key)
        await self._call(lambda: self._client.delete(name), lambda: self._local.delete(name))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _name(self, key: str) -> str:
        return f"{self._prefix}:{key}"

    async def _call(self, remote: Callable[[], Awaitable[Any]], local: Callable[[], T]) -> Any | T:
        if self._breaker.allows():
            try:
                found = await remote()
            except RedisError as error:
                if self._breaker.failed():
                    log.warning("cache_fallback_begin", error=type(error).__name__)
            else:
                if self._breaker.succeeded():
                    self._local.clear()
                    log.info("cache_fallback_end")
                return found
        return local()


@lru_cache(maxsize=1)
def cache() -> Cache:
    """Return this process's cache."""
    settings = load()
    client = Redis.from_url(settings.redis, **redis.options(settings, Retry))
    return Cache(client, redis.prefix(settings))
