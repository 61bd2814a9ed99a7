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

from access import networks
from config import security_headers
from observability import figures, logging, metrics, request_id


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


UNKNOWN = "unknown"  # what answers for paths that are none


def route_of(request: HttpRequest) -> str | None:
    """Return the route's template as the contract writes it, `/api/v1/orders/{id}`."""
    match = request.resolver_match
    if match is None or match.url_name == UNKNOWN:
        return None
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", match.route)


def _place(request: HttpRequest) -> None:
    """Let the request say who its client is and how they came, as trusted proxies tell."""
    proto = request.headers.get("X-Forwarded-Proto", "")
    hops = [request.headers.get("X-Forwarded-For", "")]
    client, https = networks.client_of(request.META.get("REMOTE_ADDR"), hops, proto)
    request.META["REMOTE_ADDR"] = client
    request.META["wsgi.url_scheme"] = "https" if https else "http"


def frame(request: HttpRequest, answer: HttpResponseBase, identifier: str) -> None:
    """Give an answer the headers that every answer has."""
    answer.headers[request_id.HEADER] = identifier
    kind, https = answer.headers.get("Content-Type", ""), request.scheme == "https"
    for name, value in security_headers.of(kind, https=https).items():
        answer.headers.setdefault(name, value)


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
        _place(request)
        cost = figures.begin()
        in_progress = metrics.active_requests.track_inprogress()
        with in_progress, connections["default"].execute_wrapper(_counted):
            answer = self._get_response(request)
        frame(request, answer, identifier)
        if request.path_info.startswith("/api/v1/"):
            answer.headers.setdefault("Cache-Control", "no-store")
        seconds = time.perf_counter() - started
        route = route_of(request)
        metrics.request_finished(str(request.method), route, answer.status_code, seconds)
        logging.request_finished(
            cost,
            method=request.method,
            route=route,
            status=answer.status_code,
            duration_ms=round(seconds * 1000, 1),
            bytes=len(getattr(answer, "content", b"")),
            client_ip=request.META.get("REMOTE_ADDR"),
        )
        return answer
