"""The web server's effective settings, as gunicorn itself understood them."""

from typing import Any

import pytest

from config.environment import load
from config.server import Server


def effective(**changes: object) -> Any:
    """Return gunicorn's configuration."""
    return Server(load().model_copy(update=changes)).cfg


def test_the_defaults() -> None:
    """Every address on PORT, and the limits of the reference page."""
    configuration = effective()
    assert configuration.address == [("0.0.0.0", 8000)]  # noqa: S104
    assert configuration.workers == 1
    assert configuration.timeout == 120
    assert configuration.graceful_timeout == 30
    assert configuration.keepalive == 5
    assert configuration.preload_app
    assert not configuration.reload


def test_the_environment_decides() -> None:
    """Each variable reaches the option that it is for."""
    configuration = effective(
        port=5000,
        bind_host="[::]",
        web_concurrency=3,
        request_timeout=60,
        shutdown_timeout=10,
        keep_alive=75,
        log_level="ERROR",
    )
    assert configuration.address == [("::", 5000)]
    assert configuration.workers == 3
    assert configuration.timeout == 60
    assert configuration.graceful_timeout == 10
    assert configuration.keepalive == 75
    assert configuration.loglevel == "error"


def test_development_reloads() -> None:
    """Which is the opposite of loading once before all workers."""
    configuration = effective(debug=True)
    assert configuration.reload
    assert not configuration.preload_app


@pytest.mark.security
def test_nothing_is_written_or_believed() -> None:
    """No control socket, no log file, and no proxy's word about who is calling."""
    configuration = effective()
    assert configuration.control_socket_disable
    assert configuration.errorlog is None
    assert configuration.accesslog is None
    assert configuration.forwarded_allow_ips == []


def test_gunicorns_own_variables_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """One contract for settings; GUNICORN_CMD_ARGS is not part of it."""
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--workers 9 --bind 127.0.0.1:9")
    assert effective().workers == 1


def test_more_threads_than_requests() -> None:
    """Where requests run in threads, probes and refusals always find a free one."""
    configuration = effective(max_concurrent_requests=10)
    if configuration.worker_class_str == "gthread":
        assert configuration.threads == 14
