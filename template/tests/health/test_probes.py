"""Probes answer whatever else is wrong, and say which dependency is."""

import os
from collections.abc import Callable

import pytest

from config.environment import load
from health import checks, middleware
from health.checks import Monitor
from health.draining import is_draining
from tests.support import Client

Check = Callable[[], dict[str, str]]
PATHS = ["/live", "/ready", "/health", "/healthz"]


def up() -> dict[str, str]:
    return {"database": "up", "migrations": "up"}


def redis_up() -> dict[str, str]:
    return {"redis": "up"}


def down() -> dict[str, str]:
    raise ConnectionError("password=hunter2")


@pytest.fixture
def depend(monkeypatch: pytest.MonkeyPatch) -> Callable[[Check, Check], None]:
    """Return what replaces the checks of the database and of Redis."""

    def depend(database: Check, redis: Check) -> None:
        monitor = Monitor({"database": database, "redis": redis})
        monkeypatch.setattr(middleware, "monitor", monitor)

    depend(up, redis_up)
    return depend


Depend = Callable[[Check, Check], None]


@pytest.mark.parametrize("path", [*PATHS, *(f"{path}/" for path in PATHS)])
def test_every_spelling_answers_at_once(client: Client, depend: Depend, path: str) -> None:
    """No redirect, for any host, and nothing may be cached."""
    answer = client.get(path, headers={"Host": "10.0.0.7:8000"})
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.headers["Cache-Control"] == "no-store"


def test_live_asks_nobody(client: Client, depend: Depend) -> None:
    """With everything down the process is still alive."""
    depend(down, down)
    answer = client.get("/live")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


def test_without_the_database_it_is_not_ready(client: Client, depend: Depend) -> None:
    """The answer names the dependency, and nothing of the failure itself."""
    depend(down, redis_up)
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["status"] == "down"
    assert answer.json()["checks"]["database"] == "down"
    assert b"hunter2" not in answer.content
    assert client.get("/health").status_code == 503


def test_without_redis_it_is_ready_and_degraded(client: Client, depend: Depend) -> None:
    """What the service can do without takes it out of no load balancer, but /health tells."""
    depend(up, down)
    answer = client.get("/ready")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"] == {
        "process": "up",
        "database": "up",
        "migrations": "up",
        "redis": "down",
    }
    assert client.get("/health").status_code == 503


def test_redis_can_be_made_critical(
    client: Client,
    depend: Depend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """READINESS_CRITICAL decides what /ready needs."""
    changed = load().model_copy(update={"readiness_critical": ("database", "redis")})
    monkeypatch.setattr("health.probes.load", lambda: changed)
    depend(up, down)
    assert client.get("/ready").status_code == 503


def test_pending_migrations_are_not_ready(client: Client, depend: Depend) -> None:
    """A process whose tables are yet to come takes no traffic."""
    depend(lambda: {"database": "up", "migrations": "pending"}, redis_up)
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] == "pending"


def test_a_draining_process_is_not_ready(
    client: Client,
    depend: Depend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the supervisor's word on, /ready is 503 and /live is not."""
    reader, writer = os.pipe()
    changed = load().model_copy(update={"supervisor_fd": reader})
    monkeypatch.setattr("health.draining.load", lambda: changed)
    assert client.get("/ready").status_code == 200
    os.write(writer, b"1")
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["process"] == "draining"
    assert client.get("/live").status_code == 200
    os.close(reader)
    os.close(writer)


def test_the_loss_of_the_supervisor_drains_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hang-up is as readable as a word."""
    reader, writer = os.pipe()
    changed = load().model_copy(update={"supervisor_fd": reader})
    monkeypatch.setattr("health.draining.load", lambda: changed)
    assert not is_draining()
    os.close(writer)
    assert is_draining()
    os.close(reader)


def test_only_get_and_head(client: Client, depend: Depend) -> None:
    """A probe changes nothing, so nothing else is taken."""
    assert client.head("/live").status_code == 200
    answer = client.post("/live")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"


def test_a_probe_carries_its_request_id(client: Client, depend: Depend) -> None:
    """The caller's id comes back, and an insane one is replaced."""
    assert client.get("/live", headers={"X-Request-ID": "a-1"}).headers["X-Request-ID"] == "a-1"
    made = client.get("/live", headers={"X-Request-ID": "a b"}).headers["X-Request-ID"]
    assert len(made) == 32


@pytest.mark.integration
def test_the_real_servers_are_up(
    client: Client,
    database: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a migrated database and a running Redis everything is up."""
    monkeypatch.setattr(middleware, "monitor", Monitor(checks.monitor._checks))
    answer = client.get("/health")
    assert answer.json() == {
        "status": "ok",
        "checks": {"process": "up", "database": "up", "migrations": "up", "redis": "up"},
    }
