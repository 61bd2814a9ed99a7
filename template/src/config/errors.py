"""Expected failures and the one shape in which every failure is answered (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from structlog.contextvars import get_contextvars

_KNOWN = frozenset(HTTPStatus)
MEDIA_TYPE = "application/problem+json"


class ServiceError(Exception):
    """An expected failure: a status and a stable code, told to the caller as a problem."""

    status = 500
    code = "internal_error"
    detail = "The service failed to answer; the request id finds the cause in its log."
    retry_after: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that this failure adds to its answer."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


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


def problem(status: int, code: str, detail: str = "") -> dict[str, Any]:
    """Return the problem document of a failure; it names nothing internal."""
    title = HTTPStatus(status).phrase if status in _KNOWN else "Error"
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail or (status in _KNOWN and HTTPStatus(status).description) or title,
        "request_id": get_contextvars().get("request_id", ""),
    }


def code_of(status: int) -> str:
    """Return the catalogue's code for a plain HTTP status, for example `not_found`."""
    return HTTPStatus(status).name.lower() if status in _KNOWN else f"status_{status}"
