"""Clients that are slow on purpose, and balancers that keep their connections."""

import http.client
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from tests.harness.load import Load
from tests.harness.roles import Role
from tests.harness.slowness import SlowClient
from tests.harness.waiting import until

pytestmark = [pytest.mark.full, pytest.mark.timed]

LIMIT = 8  # requests at once; where each has a thread, there are four more
HEAD_SECONDS = 10  # the time for the headers
BODY_SECONDS = 30  # and for the rest
LATE = 4  # for a look once a second, and for a busy machine
HEAD = b"GET /fixture/rows HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "
BODY = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999\r\n"
BODY += b'Content-Type: application/json\r\n\r\n{"text": "'
CHUNKED = b"POST /fixture/rows HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
CHUNKED += b'Content-Type: application/json\r\n\r\nc\r\n{"text":"a"}\r\n0\r\n'
LIVE = b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

KEEP_ALIVE = 2
IDLE = 1.5  # a balancer's own time is below that
ROUNDS, CONNECTIONS = 6, 24


@pytest.fixture(scope="module")
def changes() -> dict[str, str]:
    """Return small limits, so that few clients reach them."""
    return {
        "MAX_CONCURRENT_REQUESTS": str(LIMIT),
        "KEEP_ALIVE": str(KEEP_ALIVE),
        "MAX_REQUESTS": "0",
    }


def wait_for_the_end(clients: Iterable[SlowClient], seconds: float) -> None:
    """Wait until the server has had enough of each."""
    until(lambda: all(client.seconds for client in clients), "a client is borne", seconds)


def test_slow_headers_hold_nobody_up_for_longer_than_their_time(web: Role) -> None:
    """More clients than there are threads say half a line or a letter now and then."""
    with ExitStack() as stack:
        slow = [
            stack.enter_context(SlowClient(web.url, HEAD, drip))
            for drip in (b"", b"x")
            for _ in range(LIMIT + 4)
        ]
        time.sleep(2)
        with Load(web.url, "/fixture/rows", clients=2, keep_alive=False) as others:
            wait_for_the_end(slow, HEAD_SECONDS + LATE)
        assert {answer.status for answer in others.answers} == {200}
        assert max(answer.seconds for answer in others.answers) < HEAD_SECONDS + LATE
        assert min(client.seconds for client in slow) > HEAD_SECONDS - 1
        assert {client.answer for client in slow} == {b""}
    assert web.get("/fixture/rows").status_code == 200


def test_slow_bodies_hold_nobody_up_while_there_is_room(web: Role) -> None:
    """They cost their places until their time is over, whether a route waits for them or not."""
    with ExitStack() as stack:
        slow = [
            stack.enter_context(SlowClient(web.url, BODY % path, drip))
            for path in (b"/fixture/rows", b"/nowhere")
            for drip in (b"", b"x")
        ]
        with Load(web.url, "/fixture/rows", clients=2, keep_alive=False) as others:
            wait_for_the_end(slow, BODY_SECONDS + LATE)
        assert {answer.status for answer in others.answers} == {200}
        assert max(answer.seconds for answer in others.answers) < 1.5
    for _ in range(LIMIT):
        assert web.get("/fixture/rows").status_code == 200


@pytest.mark.parametrize("line", [b"x" * 200_000, b"x\r\nX-More: " * 20_000], ids=["long", "many"])
def test_headers_that_are_too_large_are_refused_at_once(web: Role, line: bytes) -> None:
    """With 431 or without a word."""
    with SlowClient(web.url, HEAD + line + b"\r\n\r\n") as large:
        until(lambda: large.seconds, "it is borne", LATE)
        assert large.answer[9:12] in {b"431", b""}
    assert web.get("/fixture/rows").status_code == 200


def test_trailers_are_no_headers(web: Role) -> None:
    """What a client appends to its body says nothing about who asks, or its request's id."""
    with SlowClient(web.url, CHUNKED + b"X-Request-ID: from-a-trailer\r\n\r\n") as client:
        until(lambda: client.answer.count(b"\r\n\r\n"), "no answer", LATE)
        assert client.answer.startswith(b"HTTP/1.1 201")
        assert b"from-a-trailer" not in client.answer


def test_trailers_without_an_end_are_refused_at_once(web: Role) -> None:
    """They are kept by nobody."""
    with SlowClient(web.url, CHUNKED + b"X-More: x\r\n" * 100_000) as large:
        until(lambda: large.seconds, "they are borne", LATE)
    assert web.get("/fixture/rows").status_code == 200


def test_many_small_requests_at_once_are_all_answered(web: Role) -> None:
    """The bound for headers is each request's own."""
    with SlowClient(web.url, LIVE * 3000) as client:
        until(lambda: client.answer.count(b"HTTP/1.1 200") == 3000, "some are not answered", 30)


def rest_and_ask(url: str, pause: float) -> int:
    """Use one connection now and then, as a balancer does; return how often it was the old one."""
    place, reused = urlsplit(url), 0
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    connection.auto_open = 0  # a connection that was closed is a failure
    time.sleep(pause)
    connection.connect()
    for _ in range(ROUNDS):
        connection.request("GET", "/live")
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()
        answered = time.monotonic()
        time.sleep(IDLE)
        if time.monotonic() - answered < (IDLE + KEEP_ALIVE) / 2:
            reused += 1
        else:  # this machine overslept, which is not the service's fault
            connection.close()
            connection.connect()
    connection.close()
    return reused


def test_a_balancer_may_keep_connections_idle_for_nearly_their_time(web: Role) -> None:
    """Whose own time is below KEEP_ALIVE never meets a reset."""
    pauses = [IDLE * number / CONNECTIONS for number in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        reused = sum(pool.map(rest_and_ask, [web.url] * CONNECTIONS, pauses))
    assert reused > ROUNDS * CONNECTIONS // 2


def test_an_idle_connection_ends_at_its_time(web: Role) -> None:
    """KEEP_ALIVE is what the server does, not only what it was told."""
    with SlowClient(web.url, LIVE) as client:
        wait_for_the_end([client], KEEP_ALIVE + LATE)
        assert client.answer.startswith(b"HTTP/1.1 200")
        assert client.seconds > KEEP_ALIVE - 0.1
