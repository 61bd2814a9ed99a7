"""Failures as problem documents, whoever raised them."""

from http import HTTPStatus

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from config.errors import MEDIA_TYPE, ServiceError, UnavailableError, code_of, problem


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
    return refusal(error if isinstance(error, ServiceError) else UnavailableError())


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for this class
    return response(error.status_code, headers=dict(error.headers or {}))


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
