"""The one set of limits for every connection to Redis."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis import Redis, RedisError
from redis.retry import Retry

from config import identity, redis
from config.environment import Environment, load


@pytest.fixture
def stalled(tmp_path: Path) -> Iterator[str]:
    """Return the address of a server that takes connections and never says a word."""
    path = tmp_path / "redis.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield f"unix://{path}"


def settings(**changes: object) -> Environment:
    return load().model_copy(update=changes)


def test_keys_belong_to_a_service_and_its_environment() -> None:
    """Services and environments can share a server."""
    assert redis.prefix(load()) == f"{identity.NAME}:test"
    assert redis.prefix(settings(environment="production")) == f"{identity.NAME}:production"


def test_a_stalled_server_is_given_up_in_time(stalled: str) -> None:
    """The first try and its one retry together take no longer than REDIS_TIMEOUT."""
    limits = redis.options(settings(redis_timeout=0.4), Retry)
    del limits["max_connections"]
    started = time.monotonic()
    with Redis.from_url(stalled, **limits) as client, pytest.raises(RedisError):
        client.get("key")
    assert 0.3 < time.monotonic() - started < 0.9


def test_a_ping_has_its_own_patience(stalled: str) -> None:
    """A probe asks once and waits as long as it says."""
    started = time.monotonic()
    with pytest.raises(RedisError):
        redis.ping(settings(redis_url=SecretStr(stalled)), 0.2)
    assert time.monotonic() - started < 0.5


def test_the_pool_is_bounded_by_the_requests() -> None:
    """A process never has more connections than requests in progress."""
    options = redis.options(settings(max_concurrent_requests=7), Retry)
    assert options["max_connections"] == 7
    assert options["health_check_interval"] == 60


@pytest.mark.integration
def test_a_running_server_answers() -> None:
    """No error is the sign of life."""
    redis.ping(load(), 2)


@pytest.mark.integration
def test_operators_see_who_is_connected() -> None:
    """CLIENT LIST shows the service's name."""
    with Redis.from_url(load().redis, **redis.options(load(), Retry)) as client:
        assert client.client_getname() == identity.NAME
