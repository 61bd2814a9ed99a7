"""The one shape of every failure."""

import pytest
from structlog.contextvars import bind_contextvars

from config.errors import OverloadedError, ServiceError, UnavailableError, code_of, problem


def test_a_problem_names_status_code_and_request() -> None:
    """The document has the members of RFC 9457 and what our callers need."""
    bind_contextvars(request_id="r-1")
    assert problem(404, "not_found", "No such order.") == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "detail": "No such order.",
        "request_id": "r-1",
    }


def test_a_problem_without_detail_explains_its_status() -> None:
    """Nobody gets an empty sentence, and outside of a request there is no id."""
    assert problem(405, "method_not_allowed")["detail"]
    assert problem(405, "method_not_allowed")["request_id"] == ""


@pytest.mark.parametrize(
    ("status", "code"), [(404, "not_found"), (413, "request_entity_too_large")]
)
def test_the_code_of_a_status(status: int, code: str) -> None:
    """Plain statuses have stable codes of their own, whatever Python calls their phrase."""
    assert code_of(status) == code


@pytest.mark.parametrize("kind", [ServiceError, OverloadedError, UnavailableError])
def test_a_failure_says_when_to_try_again(kind: type[ServiceError]) -> None:
    """A 503 carries Retry-After, anything else does not."""
    expected = {"Retry-After": str(kind.retry_after)} if kind.status == 503 else {}
    assert kind().headers == expected
