"""The cache: Redis, and a small store of this process while Redis is away.

Not for locks, revoked tokens or the broker: what they promise a local store cannot keep.
"""

import time
from functools import partialmethod
from typing import Any

import structlog
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis import RedisError

from config.resilience import LOCAL_ENTRIES, LOCAL_SECONDS, Breaker
from observability import figures, metrics

log = structlog.stdlib.get_logger("cache")


class _LocalCache(LocMemCache):
    """Django's store of one process with a short life for every entry."""

    def get_backend_timeout(self, timeout: Any = None) -> float:
        """Return the moment an entry expires, `LOCAL_SECONDS` from now at most."""
        latest = time.time() + LOCAL_SECONDS
        wanted = super().get_backend_timeout(timeout)
        return latest if wanted is None else min(wanted, latest)


class ResilientCache(RedisCache):
    """Django's Redis cache whose operations never fail for want of Redis."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        """Connect at the first use, as Django's own does."""
        super().__init__(server, params)
        self._breaker = _BREAKER
        local = {"max_entries": LOCAL_ENTRIES, "KEY_PREFIX": params.get("KEY_PREFIX", "")}
        self._local = _LocalCache("redis-stand-in", local)

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if self._breaker.allows():
            try:
                found = getattr(super(), name)(*args, **kwargs)
            except RedisError as error:
                if self._breaker.failed():
                    metrics.cache_fallback.set(1)
                    log.warning("cache_fallback_begin", error=type(error).__name__)
            else:
                if self._breaker.succeeded():
                    metrics.cache_fallback.set(0)
                    self._local.clear()
                    log.info("cache_fallback_end")
                return found
        return getattr(self._local, name)(*args, **kwargs)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """Return the value or `default`."""
        missing = object()
        found = self._call("get", key, missing, version)
        figures.cached(hit=found is not missing)
        return default if found is missing else found


_SINGLE = ("add", "set", "touch", "delete", "has_key", "incr", "clear")
for _name in (*_SINGLE, "get_many", "set_many", "delete_many"):
    setattr(ResilientCache, _name, partialmethod(ResilientCache._call, _name))

# One for the process: Django makes a cache object for every thread.
_BREAKER = Breaker()
