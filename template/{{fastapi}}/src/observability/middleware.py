"""The frame of every request: its id, its figures, its line in the log."""

import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from access import networks
from config import problems, security_headers
from config.errors import ServiceError
from config.middleware import Middleware
from observability import figures, logging, metrics, request_id

log = structlog.stdlib.get_logger("crash")


def place(scope: Scope) -> None:
    """Let the request say who its client is and how they came, as trusted proxies tell."""
    headers = Headers(scope=scope)
    peer, port = scope.get("client") or (None, 0)
    hops, proto = headers.getlist("x-forwarded-for"), ",".join(headers.getlist("x-forwarded-proto"))
    client, https = networks.client_of(peer, hops, proto)
    scope["client"], scope["scheme"] = (client, port), "https" if https else "http"


def frame(scope: Scope, headers: MutableHeaders, identifier: str) -> None:
    """Give an answer the headers that every answer has."""
    headers[request_id.HEADER] = identifier
    kind, https = headers.get("content-type", ""), scope["scheme"] == "https"
    for name, value in security_headers.of(kind, https=https).items():
        headers.setdefault(name, value)


class RequestMiddleware(Middleware):
    """Accepts or makes the request id, echoes it, and writes one line when all is done."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Frame the request."""
        started = time.perf_counter()
        place(scope)
        identifier = request_id.accept(Headers(scope=scope).get(request_id.HEADER))
        logging.bind_request(identifier)
        cost = figures.begin()
        status, size = 0, 0

        async def note(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                frame(scope, headers, identifier)
                if scope["path"].startswith("/api/v1/"):
                    headers.setdefault("Cache-Control", "no-store")
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        metrics.active_requests.inc()
        try:
            await self.app(scope, receive, note)
        except ClientDisconnect:
            pass  # nobody is left to answer; the line says 499
        finally:
            metrics.active_requests.dec()
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path_format", None)
            metrics.request_finished(scope["method"], route, status or 499, seconds)
            logging.request_finished(
                cost,
                method=scope["method"],
                route=route,
                status=status or 499,  # the client left before there was an answer
                duration_ms=round(seconds * 1000, 1),
                bytes=size,
                client_ip=(scope.get("client") or [None])[0],
            )


class CrashMiddleware(Middleware):
    """Has whatever nobody expected become a 500, and its stack go to the log."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer for it unless an answer began."""
        begun = False

        async def note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, note)
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("uncaught exception")
            if not begun:
                await problems.refusal(ServiceError())(scope, receive, send)
