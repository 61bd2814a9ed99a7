"""How this service reaches Redis: one set of limits for the cache, boot and probes."""

from typing import Any

from redis import Redis, exceptions
from redis.backoff import NoBackoff

from config import identity
from config.environment import Environment

RETRIES = 1
HEALTH_CHECK_INTERVAL = 60  # seconds


def options(settings: Environment, retry: type[Any]) -> dict[str, Any]:
    """Return redis-py's connection options; `retry` is its Retry class, sync or async.

    An operation is retried once, and both tries together stay within REDIS_TIMEOUT.
    """
    attempt = settings.redis_timeout / (1 + RETRIES) * 0.95
    return {
        "socket_connect_timeout": attempt,
        "socket_timeout": attempt,
        "health_check_interval": HEALTH_CHECK_INTERVAL,
        "retry": retry(NoBackoff(), RETRIES),
        "retry_on_error": [exceptions.ConnectionError, exceptions.TimeoutError],
        "max_connections": settings.max_concurrent_requests,
        "client_name": identity.NAME,
    }


def prefix(settings: Environment) -> str:
    """Return what every key starts with, so that services and environments can share a server."""
    return f"{identity.NAME}:{settings.environment}"


def ping(settings: Environment, seconds: float) -> None:
    """Ask the server for a sign of life.

    Raises:
        redis.RedisError: it gave none within `seconds`.
    """
    limits = {"socket_connect_timeout": seconds, "socket_timeout": seconds}
    with Redis.from_url(settings.redis, **limits) as client:
        client.ping()
