"""What every request passes after its id is known: load, host, deadline."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config import problems, recycling
from config.errors import OverloadedError, UnavailableError

HOST = re.compile(r"(?P<name>[a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")


class AdmissionMiddleware:
    """Refuses a request at once when this process already has its fill."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        """Let `limit` requests in at a time."""
        self._app, self._limit, self._inside = app, limit, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 503 or let the request in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._inside >= self._limit:
            await problems.refusal(OverloadedError())(scope, receive, send)
        else:
            self._inside += 1
            recycling.count()
            try:
                await self._app(scope, receive, send)
            finally:
                self._inside -= 1


class HostMiddleware:
    """Refuses a host that is not ours; `.example.com` stands for itself and its sub-domains."""

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        """Answer for the `allowed` hosts."""
        self._app, self._allowed = app, tuple(host.lower() for host in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400 or pass the request on."""
        if scope["type"] == "http" and not self._is_ours(Headers(scope=scope).getlist("host")):
            await problems.response(400)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_ours(self, hosts: list[str]) -> bool:
        found = HOST.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
        if found is None:
            return False
        name = found["name"]
        return any(
            name == allowed.removeprefix(".")
            or (allowed.startswith(".") and name.endswith(allowed))
            for allowed in self._allowed
        )


class DeadlineMiddleware:
    """Ends a request whose time is over or whose client is gone; its query is cancelled with it."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        """Give every request `seconds`."""
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request beside a watch on its client."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        handler = asyncio.ensure_future(self._app(scope, exchange.receive, exchange.send))
        watch = asyncio.create_task(exchange.client_gone())
        try:
            await asyncio.wait(
                {handler, watch},
                timeout=self._seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if handler.done() or exchange.answered:
                await handler
                return
            handler.cancel()
            with suppress(asyncio.CancelledError):
                await handler
            if not exchange.begun and not watch.done():
                await problems.refusal(UnavailableError())(scope, receive, send)
        finally:
            handler.cancel()
            watch.cancel()


class _Exchange:
    """One request's messages, so that the client's leaving is seen without stealing its body."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        self._receive, self._send = receive, send
        self._bodiless = (
            headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        )
        self._read = asyncio.Event()
        self.begun = self.answered = False
        if self._bodiless:
            self._read.set()

    async def receive(self) -> Message:
        """Hand the body to the application; without one, the watch may have all messages."""
        if self._bodiless:
            self._bodiless = False
            return {"type": "http.request", "body": b"", "more_body": False}
        message = await self._receive()
        if not message.get("more_body"):
            self._read.set()
        return message

    async def send(self, message: Message) -> None:
        """Pass the answer on and note how far it got."""
        await self._send(message)
        self.begun = True
        self.answered = message["type"] == "http.response.body" and not message.get("more_body")

    async def client_gone(self) -> None:
        """Return when the client has closed the connection."""
        await self._read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
