"""A process takes no more than it can carry, and answers the rest at once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support import Serve


def test_surplus_requests_are_refused_at_once(serve: Serve) -> None:
    """While one request has the only place, others get 503 and probes their answer."""
    inside, leave = threading.Event(), threading.Event()

    def occupy() -> dict[str, str]:
        inside.set()
        leave.wait(10)
        return {}

    client = serve({"/occupy": occupy}, limit=1)
    with ThreadPoolExecutor(1) as callers:
        first = callers.submit(client.get, "/occupy")
        assert inside.wait(10)
        started = time.monotonic()
        surplus = client.get("/occupy", headers={"X-Request-ID": "r-9"})
        alive = client.get("/live")
        elapsed = time.monotonic() - started
        leave.set()
        assert first.result(timeout=10).status_code == 200
    assert surplus.status_code == 503
    assert surplus.json()["code"] == "overloaded"
    assert surplus.headers["Retry-After"] == "1"
    assert surplus.headers["X-Request-ID"] == "r-9"
    assert alive.status_code == 200
    assert elapsed < 1


def test_a_place_is_given_back(serve: Serve) -> None:
    """Also by a request that crashed."""

    def crash() -> None:
        raise RuntimeError

    client = serve({"/crash": crash, "/fine": lambda: {}}, limit=1)
    for _ in range(3):
        assert client.get("/crash").status_code == 500
    assert client.get("/fine").status_code == 200


@pytest.mark.security
def test_a_browser_of_another_origin_gets_no_permission(serve: Serve) -> None:
    """Only the origins of CORS_ALLOWED_ORIGINS are allowed; by default there is none."""
    answer = serve().get("/", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 200
    assert "Access-Control-Allow-Origin" not in answer.headers
