"""The cache: Redis, and a small store of this process while Redis is away.

Not for locks, revoked tokens or the broker: what they promise a local store cannot keep.
"""

import json
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.exceptions import RedisError

from config import redis
from config.environment import load
from config.local_store import LocalStore
from config.resilience import Breaker
from observability import figures, metrics

log = structlog.stdlib.get_logger("cache")


class Cache:
    """Keeps JSON values for a while; its operations never fail for want of Redis."""

    def __init__(self, client: "Redis", prefix: str) -> None:
        """Use `client`; every key begins with `prefix`."""
        self._client, self._prefix = client, prefix
        self._breaker, self._local = Breaker(), LocalStore()

    async def get(self, key: str) -> Any:
        """Return the value, or None where there is none."""
        found = await self._call(key, self._client.get, self._local.get)
        figures.cached(hit=found is not None)
        return None if found is None else json.loads(found)

    async def set(self, key: str, value: Any, seconds: float) -> None:
        """Keep a JSON-serialisable `value` for `seconds`."""
        data = json.dumps(value).encode()
        await self._call(
            key,
            lambda name: self._client.set(name, data, px=int(seconds * 1000)),
            lambda name: self._local.set(name, data, seconds),
        )

    async def delete(self, key: str) -> None:
        """Forget the value."""
        await self._call(key, self._client.delete, self._local.delete)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _call(
        self, key: str, remote: Callable[[str], Awaitable[Any]], local: Callable[[str], Any]
    ) -> Any:
        name = f"{self._prefix}:{key}"
        if not self._breaker.allows():
            return local(name)
        try:
            found = await remote(name)
        except RedisError as error:
            if self._breaker.failed():
                metrics.cache_fallback.set(1)
                log.warning("cache_fallback_begin", error=type(error).__name__)
            return local(name)
        if self._breaker.succeeded():
            metrics.cache_fallback.set(0)
            self._local.clear()
            log.info("cache_fallback_end")
        return found


@lru_cache(maxsize=1)
def cache() -> Cache:
    """Return this process's cache."""
    settings = load()
    client = Redis.from_url(settings.redis, **redis.options(settings, Retry))
    return Cache(client, redis.prefix(settings))
