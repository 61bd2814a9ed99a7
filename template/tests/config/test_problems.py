"""Every failure is answered by a problem document, whoever raised it."""

import pytest

from config import bodies
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


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_a_wrong_method(client: Client, method: str) -> None:
    """405, and Allow tells which are right."""
    answer = getattr(client, method)("/")
    check(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD"


def test_the_head_of_a_document(client: Client) -> None:
    """HEAD works wherever GET does, failures included, and has no body."""
    for path, status in (("/", 200), ("/nowhere", 404)):
        answer = client.head(path)
        assert answer.status_code == status
        assert answer.content == b""


@pytest.mark.parametrize("path", ["/api", "/api/v1", "/api/v9/users/me", "/users/me", "/api/v1/"])
def test_a_path_of_no_version(client: Client, path: str) -> None:
    """There is one version; nothing answers in its place."""
    check(client.get(path), 404, "not_found")


def test_what_is_under_the_api_is_not_stored(client: Client) -> None:
    """Nor are its failures, whoever makes them."""
    assert client.get("/api/v1/nowhere").headers["Cache-Control"] == "no-store"


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


@pytest.mark.security
def test_a_crash(serve: Serve) -> None:
    """What nobody expected tells nothing but the id that finds it."""
    answer = serve({"/orders": lambda: raising(KeyError("hunter2"))}).get("/orders")
    check(answer, 500, "internal_error")
    assert b"hunter2" not in answer.content
    assert b"Traceback" not in answer.content


@pytest.mark.security
@pytest.mark.integration
@pytest.mark.parametrize("path", ["/api/v1/auth/token", "/api/v1/nowhere", "/"])
def test_a_body_out_of_bounds(data_client: Client, path: str) -> None:
    """Too large or too deep is told first, whatever the path."""
    deep: object = "x"
    for _ in range(bodies.DEEPEST + 1):
        deep = [deep]
    check(data_client.post(path, json=deep), 400, "malformed_body")
    check(data_client.post(path, json="x" * bodies.LARGEST), 413, "body_too_large")


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
