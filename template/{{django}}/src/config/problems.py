"""Failures as problem documents, whoever raised them."""

from http import HTTPStatus

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, JsonResponse
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler as framework_handler

from config.errors import MEDIA_TYPE, ServiceError, UnavailableError, code_of, problem

log = structlog.stdlib.get_logger("problems")


def response(
    status: int,
    code: str = "",
    detail: str = "",
    headers: dict[str, str] | None = None,
) -> JsonResponse:
    """Return a problem document; the code defaults to the status's own."""
    body = problem(status, code or code_of(status), detail)
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE, headers=headers)


def of(error: Exception) -> JsonResponse | None:
    """Return the answer to an expected failure, or None for one that nobody expected."""
    if isinstance(error, OperationalError | InterfaceError):
        log.warning("database_failed", exc_info=error)
        error = UnavailableError()
    return refusal(error) if isinstance(error, ServiceError) else None


def refusal(error: ServiceError) -> JsonResponse:
    """Return the problem document of an expected failure, with its headers."""
    return response(error.status, error.code, error.detail, error.headers)


def exception_handler(error: Exception, context: dict[str, object]) -> Response | None:
    """Turn REST framework's own failures into problem documents; leave the rest to `of`."""
    answer = framework_handler(error, context)
    if answer is not None:
        detail = error.detail if isinstance(error, APIException) else ""
        answer.data = problem(
            answer.status_code,
            code_of(answer.status_code),
            detail if isinstance(detail, str) else "",
        )
        answer.content_type = MEDIA_TYPE
    return answer


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Answer 400."""
    return response(HTTPStatus.BAD_REQUEST)


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Answer 404."""
    return response(HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> JsonResponse:
    """Answer 500."""
    return response(500, ServiceError.code, ServiceError.detail)
