"""The one shape of every failure, and the catalogue of their codes."""

from collections.abc import Iterator

import pytest
from structlog.contextvars import bind_contextvars

import accounts.errors  # noqa: F401 - known by being imported
from config import domains
from config.errors import (
    FIELD_CODES,
    ConflictError,
    FieldError,
    InUseError,
    NotAuthenticatedError,
    ServiceError,
    ValidationFailedError,
    of_sqlstate,
    of_status,
    problem,
)

list(domains.modules("errors"))


def kinds(base: type[ServiceError] = ServiceError) -> Iterator[type[ServiceError]]:
    """Yield every failure that the service's own code can raise."""
    for kind in base.__subclasses__():
        if not kind.__module__.startswith("tests."):
            yield kind
            yield from kinds(kind)


def test_a_problem_names_status_code_and_request() -> None:
    """The document has the members of RFC 9457 and what our callers need, in one order."""
    bind_contextvars(request_id="r-1")
    assert list(problem(404, "not_found", "No such order.").items()) == [
        ("type", "about:blank"),
        ("title", "Not Found"),
        ("status", 404),
        ("code", "not_found"),
        ("detail", "No such order."),
        ("request_id", "r-1"),
    ]


def test_a_problem_without_detail_explains_its_status() -> None:
    """Nobody gets an empty sentence, and outside of a request there is no id."""
    assert problem(405, "method_not_allowed")["detail"]
    assert problem(499, "status_499")["detail"]
    assert problem(405, "method_not_allowed")["request_id"] == ""


@pytest.mark.parametrize(
    ("status", "title"),
    [(413, "Content Too Large"), (422, "Unprocessable Content"), (599, "Error")],
)
def test_a_title_is_the_status_in_words(status: int, title: str) -> None:
    """Those of RFC 9110, whatever the version of Python calls them."""
    assert problem(status, "x")["title"] == title


def test_a_pointer_can_be_sent() -> None:
    """A field is named by the caller, who may send half of a surrogate pair."""
    found = ValidationFailedError([FieldError("#/\ud800", "unknown_field")])
    assert found.errors == (FieldError("#/?", "unknown_field"),)


def test_a_problem_explains_each_value() -> None:
    """Where it is, its code, and a sentence of the catalogue."""
    errors = [FieldError("#/title", "too_short")]
    assert problem(422, "validation_failed", errors=errors)["errors"] == [
        {"pointer": "#/title", "code": "too_short", "message": FIELD_CODES["too_short"]}
    ]


def test_the_first_fault_of_a_value_counts() -> None:
    """Clients get one fault a value, and always in the same order."""
    found = ValidationFailedError(
        [
            FieldError("#/title", "too_short"),
            FieldError("#/body", "required"),
            FieldError("#/title", "invalid_characters"),
        ]
    )
    assert found.errors == (FieldError("#/body", "required"), FieldError("#/title", "too_short"))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "bad_request"),
        (401, "not_authenticated"),
        (403, "forbidden"),
        (404, "not_found"),
        (405, "method_not_allowed"),
        (413, "body_too_large"),
        (415, "unsupported_media_type"),
        (418, "status_418"),
    ],
)
def test_the_code_of_a_status(status: int, code: str) -> None:
    """What a framework raises on its own has the codes of the catalogue."""
    assert of_status(status)[0] == code


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [("23503", InUseError), ("23001", InUseError), ("23505", ConflictError), (None, ConflictError)],
)
def test_the_failure_of_a_constraint(sqlstate: str | None, kind: type[ServiceError]) -> None:
    """Something still refers to a row, or it conflicts in another way."""
    assert type(of_sqlstate(sqlstate)) is kind


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_every_failure_is_complete(kind: type[ServiceError]) -> None:
    """A sentence, a code, and the headers that HTTP asks for with its status."""
    assert 400 <= kind.status < 600
    assert kind.detail.endswith(".")
    error = kind(()) if issubclass(kind, ValidationFailedError) else kind()
    assert ("Retry-After" in error.headers) == (kind.status in {429, 503})
    assert ("WWW-Authenticate" in error.headers) == (kind.status == 401)
    assert kind.status != 401 or issubclass(kind, NotAuthenticatedError)


def test_a_code_means_one_thing() -> None:
    """Clients act on codes, so two failures never share one."""
    codes = [kind.code for kind in kinds()]
    assert len(codes) == len(set(codes))
    assert all(text.endswith(".") for text in FIELD_CODES.values())
