"""Every request has an id and one line in the log, with nothing in it that is secret."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from tests.support import Client, Serve


def test_the_id_of_the_caller_comes_back(client: Client) -> None:
    """Whether or not there is something at the path."""
    for path in ("/", "/nowhere"):
        assert client.get(path, headers={"X-Request-ID": "r-7"}).headers["X-Request-ID"] == "r-7"


@pytest.mark.security
def test_an_insane_id_is_replaced(client: Client) -> None:
    """What could break a log line never reaches one."""
    made = client.get("/", headers={"X-Request-ID": "a b" * 1000}).headers["X-Request-ID"]
    assert len(made) == 32


def test_a_crash_still_carries_the_id(serve: Serve) -> None:
    """The answer of a 500 finds its traceback by the id, and shows nothing of it."""

    def crash() -> None:
        raise RuntimeError("hunter2")

    answer = serve({"/crash": crash}).get("/crash", headers={"X-Request-ID": "r-8"})
    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] == "r-8"
    assert answer.json()["request_id"] == "r-8"
    assert answer.json()["code"] == "internal_error"
    assert b"hunter2" not in answer.content


def test_concurrent_requests_keep_their_ids(serve: Serve) -> None:
    """No request sees the id of another, however they overlap."""

    def echo() -> dict[str, object]:
        before = get_contextvars()["request_id"]
        time.sleep(0.01)
        return {"before": before, "after": get_contextvars()["request_id"]}

    client = serve({"/echo": echo})
    names = [f"r-{number}" for number in range(60)]
    with ThreadPoolExecutor(10) as callers:
        answers = callers.map(
            lambda name: client.get("/echo", headers={"X-Request-ID": name}).json(), names
        )
        assert [(a["before"], a["after"]) for a in answers] == [(name, name) for name in names]


def test_a_request_is_one_line(serve: Serve) -> None:
    """It has the route's template, not the path, and what the request cost."""
    client = serve({"/orders": lambda: {"results": []}})
    with capture_logs() as events:
        answer = client.get("/orders?token=hunter2", headers={"Authorization": "Bearer hunter2"})
    lines = [event for event in events if event["event"] == "request_finished"]
    assert len(lines) == 1
    line = lines[0]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/orders", 200)
    assert line["bytes"] == len(answer.content)
    assert line["duration_ms"] >= 0
    assert line["client_ip"]
    assert line["db_queries"] == line["cache_hits"] == line["cache_misses"] == 0
    assert line["log_level"] == "info"
    assert "hunter2" not in str(events)


def test_a_slow_request_is_a_warning(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the threshold the line stands out."""
    monkeypatch.setattr("observability.logging.SLOW_REQUEST_MS", 10)
    client = serve({"/slow": lambda: time.sleep(0.02)})
    with capture_logs() as events:
        client.get("/slow")
    lines = [event for event in events if event["event"] == "request_finished"]
    assert lines[0]["log_level"] == "warning"


def test_an_unknown_path_is_no_route(client: Client) -> None:
    """A scanner's paths do not become labels."""
    with capture_logs() as events:
        assert client.get("/wp-login.php").status_code == 404
    lines = [event for event in events if event["event"] == "request_finished"]
    assert lines[0]["route"] is None
    assert "wp-login" not in str(lines)


def test_probes_are_no_lines(client: Client) -> None:
    """A balancer that asks every second does not fill the log."""
    with capture_logs() as events:
        client.get("/live")
    assert events == []
