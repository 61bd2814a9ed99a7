"""Failures as problem documents, whoever raised them."""

from collections.abc import Iterator
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions

from config import errors
from config.errors import FieldError, ServiceError

log = structlog.stdlib.get_logger("problems")
# What REST framework and Django call the faults of a value; all others are of its form.
_CODES = {
    "null": "invalid_type",
    "not_a_list": "invalid_type",
    "blank": "too_short",
    "min_length": "too_short",
    "max_length": "too_long",
    "min_value": "too_small",
    "max_value": "too_large",
    "null_characters_not_allowed": "invalid_characters",
    "surrogate_characters_not_allowed": "invalid_characters",
}


def response(status: int, headers: dict[str, str] | None = None) -> JsonResponse:
    """Return the problem document of a plain status."""
    return _answer(errors.problem(status, *errors.of_status(status)), headers)


def refusal(error: ServiceError) -> JsonResponse:
    """Return the problem document of an expected failure, with its headers."""
    body = errors.problem(error.status, error.code, error.detail, error.errors)
    return _answer(body, error.headers)


def _answer(body: dict[str, Any], headers: dict[str, str] | None) -> JsonResponse:
    return JsonResponse(
        body,
        status=body["status"],
        content_type=errors.MEDIA_TYPE,
        headers=headers,
        json_dumps_params={"ensure_ascii": False, "separators": (",", ":")},
    )


def of(error: Exception) -> JsonResponse | None:
    """Return the answer to an expected failure, or None for one that nobody expected."""
    known = _known(error)
    if known is None and isinstance(error, exceptions.APIException):
        return response(error.status_code)
    return refusal(known) if known else None


def _known(error: Exception) -> ServiceError | None:
    match error:
        case ServiceError():
            return error
        case exceptions.ValidationError():
            return errors.ValidationFailedError(_faults(error.get_codes()))
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return errors.NotAuthenticatedError()
        case Http404():
            return errors.NotFoundError()
        case PermissionDenied():
            return errors.ForbiddenError()
        case ProtectedError() | RestrictedError():
            return errors.InUseError()
        case IntegrityError():
            return errors.of_sqlstate(getattr(error.__cause__, "sqlstate", None))
        case OperationalError() | InterfaceError():
            log.warning("database_failed", exc_info=error)
            return errors.UnavailableError()
        case DatabaseError() if type(error) is DatabaseError:  # the row to change is gone
            return errors.ConflictError()
    return None


def _faults(codes: Any, pointer: str = "#") -> Iterator[FieldError]:
    if isinstance(codes, str):
        known = codes if codes in errors.FIELD_CODES else "invalid_format"
        yield FieldError(pointer, _CODES.get(codes, known))
    elif isinstance(codes, dict):
        for name, inner in codes.items():
            yield from _faults(inner, f"{pointer}/{name}" if name != "#" else pointer)
    else:  # the faults of one value, or those of each item of a list
        for index, inner in enumerate(codes):
            place = pointer if isinstance(inner, str) else f"{pointer}/{index}"
            yield from _faults(inner, place)


def exception_handler(error: Exception, context: dict[str, Any]) -> JsonResponse | None:
    """Answer for REST framework's views what fails in them."""
    answer = of(error)
    if answer is not None and isinstance(error, exceptions.MethodNotAllowed):
        answer.headers["Allow"] = ", ".join(sorted(context["view"].allowed_methods))
    return answer


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Answer 400."""
    return response(400)


def forbidden(request: HttpRequest, reason: str = "") -> JsonResponse:
    """Answer 403 to a form that did not come from a page of ours."""
    return response(403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    """Answer 404."""
    return response(404)


def server_error(request: HttpRequest) -> JsonResponse:
    """Answer 500."""
    return refusal(ServiceError())
