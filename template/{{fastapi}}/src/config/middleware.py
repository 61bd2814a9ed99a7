"""What every request passes after its id is known: load, host, deadline, body, transaction."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config import bodies, problems, recycling
from config.database import sessions
from config.errors import BodyTooLargeError, OverloadedError, ServiceError, UnavailableError

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


class BrowserMiddleware(CORSMiddleware):
    """Tells browsers which origins may do what; they are the ones to refuse, so nothing fails."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return what is allowed, whatever was asked for."""
        told = super().preflight_response(request_headers).headers
        return Response(headers={name: told[name] for name in told if "content" not in name})


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


class BodyMiddleware:
    """Refuses a body that is too large, or JSON that cannot be read, before anything is routed."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, judge it, and hand it on as one message."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            body = await _read(headers, receive)
            kind = headers.get("content-type", "")
            if body and bodies.is_json(kind):
                bodies.check(body)
            elif "+json" in kind.lower():  # the framework would read it, and we promise not to
                scope["headers"] = [each for each in scope["headers"] if each[0] != b"content-type"]
        except ServiceError as error:
            await problems.refusal(error)(scope, receive, send)
            return
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, replay, send)


async def _read(headers: Headers, receive: Receive) -> bytes:
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > bodies.LARGEST:
        raise BodyTooLargeError
    body = bytearray()
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if len(body) > bodies.LARGEST:
            raise BodyTooLargeError
        if not message.get("more_body"):
            return bytes(body)
    raise ClientDisconnect


class HeadMiddleware:
    """Has HEAD answered as GET would be; the server leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Show the router a GET, and everybody else what it was."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def restore(message: Message) -> None:
            scope["method"] = "HEAD"
            await send(message)

        scope["method"] = "GET"
        try:
            await self._app(scope, receive, restore)
        finally:
            scope["method"] = "HEAD"


class UnitOfWorkMiddleware:
    """One session and one transaction a request, ended before the first byte of the answer.

    An answer of 400 or above, a crash, a deadline and a client that left store nothing. What goes
    on after the answer began, a stream for one, needs a session of its own to store anything.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Commit or roll back when the answer begins; a commit that fails is the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        failed = False

        async def settle(message: Message) -> None:
            nonlocal failed
            if message["type"] == "http.response.start":
                try:
                    await (session.commit() if message["status"] < 400 else session.rollback())
                except problems.OF_DATABASE as error:
                    failed = True
                    await problems.refusal(problems.of_database(error))(scope, receive, send)
            if not failed:
                await send(message)

        async with sessions()() as session:
            scope["unit_of_work"] = session
            await self._app(scope, receive, settle)
