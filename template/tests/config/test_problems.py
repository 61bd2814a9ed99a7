"""Every failure is answered by a problem document, whoever raised it."""

import pytest

from config.errors import MEDIA_TYPE, ServiceError, UnavailableError
from tests.support import Client, Response, Serve


class OrderTakenError(ServiceError):
    """An expected failure of a domain."""

    status = 409
    code = "order_taken"
    detail = "Somebody else has it."


def raising(error: Exception) -> object:
    raise error


def check(answer: Response, status: int, code: str) -> None:
    """Assert that the answer is the whole document."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith(MEDIA_TYPE)
    body = answer.json()
    assert body.keys() == {"type", "title", "status", "code", "detail", "request_id"}
    assert (body["status"], body["code"]) == (status, code)
    assert body["detail"]
    assert body["request_id"] == answer.headers["X-Request-ID"]


def test_an_unknown_path(client: Client) -> None:
    """404 for whatever is not routed, a slash at the end included."""
    check(client.get("/nowhere"), 404, "not_found")


def test_a_wrong_method(client: Client) -> None:
    """405, and Allow tells which are right."""
    answer = client.post("/")
    check(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


def test_an_expected_failure(serve: Serve) -> None:
    """A domain's error is told by its own status and code."""
    client = serve({"/orders": lambda: raising(OrderTakenError())})
    answer = client.get("/orders")
    check(answer, 409, "order_taken")
    assert answer.json()["detail"] == "Somebody else has it."


def test_a_lost_server(serve: Serve) -> None:
    """503 with the time to try again, not a 500."""
    answer = serve({"/orders": lambda: raising(UnavailableError())}).get("/orders")
    check(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "5"


def test_a_crash(serve: Serve) -> None:
    """What nobody expected tells nothing but the id that finds it."""
    answer = serve({"/orders": lambda: raising(KeyError("hunter2"))}).get("/orders")
    check(answer, 500, "internal_error")
    assert b"hunter2" not in answer.content
    assert b"Traceback" not in answer.content


@pytest.mark.security
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil"])
def test_a_foreign_host(client: Client, host: str) -> None:
    """A host that is not ours gets 400 and nothing else."""
    answer = client.get("/", headers={"Host": host})
    check(answer, 400, "bad_request")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "[::1]:8000"])
def test_our_hosts(client: Client, host: str) -> None:
    """Case and port do not matter."""
    assert client.get("/", headers={"Host": host}).status_code == 200
