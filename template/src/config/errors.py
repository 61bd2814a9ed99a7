"""Expected failures and the one shape in which every failure is answered (RFC 9457).

docs/errors.md lists the codes; `make docs` writes it from this module and `accounts.errors`.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from structlog.contextvars import get_contextvars

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 100  # a document names no more wrong values

# As RFC 9110 has them: Python's own phrases change with its version.
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

# What can be wrong with one value, and the sentence that says so.
FIELD_CODES = {
    "required": "This value is required.",
    "unknown_field": "This field is not known, or is not yours to write.",
    "unknown_parameter": "This parameter is not known.",
    "invalid_type": "This value has the wrong type.",
    "invalid_format": "This value is not written as it has to be.",
    "invalid_characters": "This text contains characters that cannot be stored.",
    "invalid_choice": "This value is none of those allowed.",
    "invalid_cursor": "This cursor was not issued for this list.",
    "too_short": "This value is too short.",
    "too_long": "This value is too long.",
    "too_small": "This number is too small.",
    "too_large": "This number is too large.",
    "too_common": "This password is too easy to guess.",
    "wrong_password": "This is not the current password.",
    "duplicate": "This value is given twice.",
    "not_found": "There is nothing with this id.",
}


class FieldError(NamedTuple):
    """A fault of one value: where, `#/title` in the body or `?limit` in the query, and a code."""

    pointer: str
    code: str


class ServiceError(Exception):
    """An expected failure: a status and a stable code, told to the caller as a problem."""

    status = 500
    code = "internal_error"
    detail = "The service failed to answer; the request id finds the cause in its log."
    retry_after: int | None = None
    challenge = ""
    errors: tuple[FieldError, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """The headers that this failure adds to its answer."""
        named = {"Retry-After": self.retry_after, "WWW-Authenticate": self.challenge or None}
        return {name: str(value) for name, value in named.items() if value is not None}


class BadRequestError(ServiceError):
    """The request itself is wrong: its host, its path, its encoding."""

    status = 400
    code = "bad_request"
    detail = "The request cannot be understood."


class MalformedBodyError(ServiceError):
    """The body is no JSON, nests too deep, or holds too much."""

    status = 400
    code = "malformed_body"
    detail = "The body cannot be read as JSON, nests too deep, or holds too many values."


class NotAuthenticatedError(ServiceError):
    """Nobody is known to ask."""

    status = 401
    code = "not_authenticated"
    detail = "This needs a bearer token in the Authorization header."
    challenge = "Bearer"


class ForbiddenError(ServiceError):
    """Who asks is known, and may not."""

    status = 403
    code = "forbidden"
    detail = "You may not do this."


class NotFoundError(ServiceError):
    """There is nothing here, or nothing that the caller may know of."""

    status = 404
    code = "not_found"
    detail = "Nothing is here."


class MethodNotAllowedError(ServiceError):
    """The path takes other methods."""

    status = 405
    code = "method_not_allowed"
    detail = "This path takes the methods of the Allow header only."


class ConflictError(ServiceError):
    """The state of the data forbids it."""

    status = 409
    code = "conflict"
    detail = "This conflicts with what is stored."


class InUseError(ConflictError):
    """Something else still refers to what was to be deleted."""

    code = "in_use"
    detail = "Something else still refers to this."


class BodyTooLargeError(ServiceError):
    """The body is longer than any that is taken."""

    status = 413
    code = "body_too_large"
    detail = "The body is too large."


class UnsupportedMediaTypeError(ServiceError):
    """The body is of a type that is not read."""

    status = 415
    code = "unsupported_media_type"
    detail = "The body has to be application/json."


class ValidationFailedError(ServiceError):
    """Values of the body or the query are wrong; `errors` names each."""

    status = 422
    code = "validation_failed"
    detail = "Some values are wrong; errors says which."

    def __init__(self, errors: Iterable[FieldError]) -> None:
        """Keep the first fault of each value, in a stable order."""
        super().__init__(self.detail)
        first: dict[str, FieldError] = {}
        for pointer, code in errors:
            # The name of a field is the caller's, and need not be text that can be sent.
            sent = pointer.encode(errors="replace").decode()
            first.setdefault(sent, FieldError(sent, code))
        self.errors = tuple(first[pointer] for pointer in sorted(first)[:MOST_ERRORS])


class ThrottledError(ServiceError):
    """More requests in a while than this caller may make."""

    status = 429
    code = "throttled"
    detail = "Too many requests; wait for as many seconds as Retry-After says."
    retry_after = 1


class OverloadedError(ServiceError):
    """More requests at once than this process takes; nothing was begun."""

    status = 503
    code = "overloaded"
    detail = "Too many requests are in progress; try again shortly."
    retry_after = 1


class UnavailableError(ServiceError):
    """A server that the request needs did not answer, or not in time."""

    status = 503
    code = "unavailable"
    detail = "A server that this request needs does not answer; try again shortly."
    retry_after = 5


# What frameworks raise on their own.
_PLAIN_STATUSES = {400, 401, 403, 404, 405, 413, 415}


def problem(
    status: int, code: str, detail: str = "", errors: Iterable[FieldError] = ()
) -> dict[str, Any]:
    """Return the problem document of a failure; it names nothing internal."""
    title = TITLES.get(status, "Error")
    document = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail or title,
        "request_id": get_contextvars().get("request_id", ""),
    }
    found = [
        {"pointer": error.pointer, "code": error.code, "message": FIELD_CODES[error.code]}
        for error in errors
    ]
    return document | ({"errors": found} if found else {})


def of_status(status: int) -> tuple[str, str]:
    """Return code and detail for a plain HTTP status that a framework raised."""
    for kind in ServiceError.__subclasses__():  # the first is the plain one, see above
        if kind.status == status and status in _PLAIN_STATUSES:
            return kind.code, kind.detail
    return f"status_{status}", ""


def of_sqlstate(sqlstate: str | None) -> ServiceError:
    """Return the failure that a violated constraint means."""
    # foreign_key_violation and restrict_violation, see PostgreSQL's appendix A
    return InUseError() if sqlstate in {"23503", "23001"} else ConflictError()
