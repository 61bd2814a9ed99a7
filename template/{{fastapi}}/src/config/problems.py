"""Failures as problem documents, whoever raised them."""

from collections.abc import Iterator

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException

from config import errors
from config.errors import FieldError, ServiceError
from config.validation import code_of

log = structlog.stdlib.get_logger("problems")
_UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeout, psycopg.OperationalError)
OF_DATABASE = (IntegrityError, StaleDataError, *_UNAVAILABLE)


def response(status: int, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the problem document of a plain status."""
    body = errors.problem(status, *errors.of_status(status))
    return JSONResponse(body, status, headers, errors.MEDIA_TYPE)


def refusal(error: ServiceError) -> JSONResponse:
    """Return the problem document of an expected failure, with its headers."""
    body = errors.problem(error.status, error.code, error.detail, error.errors)
    return JSONResponse(body, error.status, error.headers, errors.MEDIA_TYPE)


def of_database(error: Exception) -> ServiceError:
    """Return the expected failure that one of `OF_DATABASE` means."""
    if isinstance(error, IntegrityError):
        return errors.of_sqlstate(getattr(error.orig, "sqlstate", None))
    if isinstance(error, StaleDataError):  # deleted by somebody else meanwhile
        return errors.ConflictError()
    log.warning("database_failed", exc_info=error)
    return errors.UnavailableError()


async def _expected(_: Request, error: Exception) -> JSONResponse:
    return refusal(error if isinstance(error, ServiceError) else of_database(error))


async def _http(request: Request, error: HTTPException) -> JSONResponse:
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = _allowed(request, headers.get("Allow", ""))
    return response(error.status_code, headers)


def _allowed(request: Request, some: str) -> str:
    # The router names the methods of one route; others of the same path may take others.
    path = getattr(request.scope.get("route"), "path_format", "")
    methods = {method.upper() for method in request.app.openapi()["paths"].get(path, ())}
    methods |= {method for method in some.split(", ") if method}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
    if any(each["loc"][0] == "path" for each in error.errors()):
        return refusal(errors.NotFoundError())  # an address that cannot be one of ours
    # The parser leaves a body alone that is not JSON.
    if isinstance(error.body, bytes):
        return refusal(errors.UnsupportedMediaTypeError())
    return refusal(errors.ValidationFailedError(_faults(error)))


def _faults(error: RequestValidationError) -> Iterator[FieldError]:
    for each in error.errors():
        place, *path = each["loc"]
        kind, in_body = each["type"], place == "body"
        if kind == "extra_forbidden":
            code = "unknown_field" if in_body else "unknown_parameter"
        elif kind == "literal_error" and not isinstance(each["input"], str):
            code = "invalid_type"  # the words to choose from are text
        else:
            code = code_of(kind)
        yield FieldError("/".join(["#", *map(str, path)]) if in_body else f"?{path[0]}", code)


def register(app: FastAPI) -> None:
    """Make the application answer its failures with problem documents."""
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_invalid)
    for failure in (ServiceError, *OF_DATABASE):
        app.exception_handler(failure)(_expected)
