"""The frame of every request: its id, its figures, its line in the log."""

import re
import time
from collections.abc import Callable
from typing import Any

from django.core.signals import request_finished
from django.db import connections
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase
from structlog.contextvars import clear_contextvars

from observability import figures, logging, request_id


@receiver(request_finished)
def _forget(**_: object) -> None:
    # Django logs a refusal after all middleware, so the id is kept until the answer is sent.
    clear_contextvars()


def _counted(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    started = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        figures.query(time.perf_counter() - started)


def _route(request: HttpRequest) -> str | None:
    """Return the route's template as the contract writes it, `/api/v1/orders/{id}`."""
    if request.resolver_match is None:
        return None
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", request.resolver_match.route)


class RequestMiddleware:
    """Accepts or makes the request id, echoes it, and writes one line when all is done."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Wrap the next handler."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Frame the request."""
        started = time.perf_counter()
        identifier = request_id.accept(request.headers.get(request_id.HEADER))
        logging.bind_request(identifier)
        cost = figures.begin()
        with connections["default"].execute_wrapper(_counted):
            answer = self._get_response(request)
        answer.headers[request_id.HEADER] = identifier
        if request.path_info.startswith("/api/v1/"):
            answer.headers.setdefault("Cache-Control", "no-store")
        logging.request_finished(
            cost,
            method=request.method,
            route=_route(request),
            status=answer.status_code,
            duration_ms=round((time.perf_counter() - started) * 1000, 1),
            bytes=len(getattr(answer, "content", b"")),
            client_ip=request.META.get("REMOTE_ADDR"),
        )
        return answer
