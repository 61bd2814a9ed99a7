"""The frame of every request: its id, its figures, its line in the log."""

import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from config import problems
from config.errors import ServiceError
from config.middleware import Middleware
from observability import figures, logging, request_id

log = structlog.stdlib.get_logger("crash")


class RequestMiddleware(Middleware):
    """Accepts or makes the request id, echoes it, and writes one line when all is done."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Frame the request; whatever nobody expected becomes a 500."""
        started = time.perf_counter()
        identifier = request_id.accept(Headers(scope=scope).get(request_id.HEADER))
        logging.bind_request(identifier)
        cost = figures.begin()
        status, size = 0, 0

        async def note(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[request_id.HEADER] = identifier
                if scope["path"].startswith("/api/v1/"):
                    headers.setdefault("Cache-Control", "no-store")
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, note)
        except ClientDisconnect:
            pass  # nobody is left to answer; the line says 499
        except Exception:
            log.exception("uncaught exception")
            if not status:
                await problems.refusal(ServiceError())(scope, receive, note)
        finally:
            logging.request_finished(
                cost,
                method=scope["method"],
                route=getattr(scope.get("route"), "path_format", None),
                status=status or 499,  # the client left before there was an answer
                duration_ms=round((time.perf_counter() - started) * 1000, 1),
                bytes=size,
                client_ip=(scope.get("client") or [None])[0],
            )
