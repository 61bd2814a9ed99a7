"""Failures as problem documents, whoever raised them."""

from http import HTTPStatus

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from config.errors import MEDIA_TYPE, ServiceError, UnavailableError, code_of, problem

log = structlog.stdlib.get_logger("problems")


def response(
    status: int,
    code: str = "",
    detail: str = "",
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Return a problem document; the code defaults to the status's own."""
    body = problem(status, code or code_of(status), detail)
    return JSONResponse(body, status, headers=headers, media_type=MEDIA_TYPE)


def refusal(error: ServiceError) -> JSONResponse:
    """Return the problem document of an expected failure, with its headers."""
    return response(error.status, error.code, error.detail, error.headers)


async def _expected(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, ServiceError):
        return refusal(error)
    log.warning("database_failed", exc_info=error)
    return refusal(UnavailableError())


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for this class
    # Starlette's own text for a status is its phrase, which the document has as its title.
    own = {status.phrase for status in HTTPStatus}
    detail = "" if error.detail in own else str(error.detail)
    return response(error.status_code, detail=detail, headers=dict(error.headers or {}))


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    return response(HTTPStatus.UNPROCESSABLE_ENTITY)


def register(app: FastAPI) -> None:
    """Make the application answer its failures with problem documents."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    for failure in (
        ServiceError,
        OperationalError,
        InterfaceError,
        PoolTimeout,
        psycopg.OperationalError,
    ):
        app.add_exception_handler(failure, _expected)
