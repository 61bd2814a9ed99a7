"""What every request passes after its id is known: load, host, deadline, body, transaction."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config import bodies, errors, https, problems, recycling
from config.database import sessions

HOST = re.compile(r"(?P<name>[a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")


@dataclass
class Middleware:
    """Base of what wraps the application: `http` gets the requests, all else passes it by."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell requests from the rest."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self.http(scope, receive, send)
        except errors.ServiceError as error:
            await problems.refusal(error)(scope, receive, send)

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or pass it on to `app`.

        Raises:
            ServiceError: it is refused; nothing was answered yet.
        """
        raise NotImplementedError


@dataclass
class AdmissionMiddleware(Middleware):
    """Refuses a request at once when this process already has its fill of `limit`."""

    limit: int
    _inside = 0

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 503 or let the request in."""
        if self._inside >= self.limit:
            raise errors.OverloadedError
        self._inside += 1
        recycling.count()
        try:
            await self.app(scope, receive, send)
        finally:
            self._inside -= 1


@dataclass
class HostMiddleware(Middleware):
    """Refuses a host that is not ours; `.example.com` stands for itself and its sub-domains."""

    allowed: Sequence[str]

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400 or pass the request on."""
        hosts = Headers(scope=scope).getlist("host")
        found = HOST.fullmatch(hosts[0].lower()) if len(hosts) == 1 else None
        if not found or not any(_is_within(found["name"], host.lower()) for host in self.allowed):
            raise errors.BadRequestError
        await self.app(scope, receive, send)


def _is_within(name: str, host: str) -> bool:
    return name == host or (host.startswith(".") and f".{name}".endswith(host))


class HttpsMiddleware(Middleware):
    """Sends what came by http to the same place by https."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 301 or 308, or pass the request on; the host is known to be ours."""
        if scope["scheme"] == "https":
            await self.app(scope, receive, send)
            return
        host, query = Headers(scope=scope)["host"], scope["query_string"].decode("latin-1")
        status, place = https.redirect(scope["method"], host, scope["path"], query)
        await Response(status_code=status, headers={"Location": place})(scope, receive, send)


class BrowserMiddleware(CORSMiddleware):
    """Tells browsers which origins may do what; they are the ones to refuse, so nothing fails."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return what is allowed, whatever was asked for."""
        told = super().preflight_response(request_headers).headers
        return Response(headers={name: told[name] for name in told if "content" not in name})


@dataclass
class DeadlineMiddleware(Middleware):
    """Ends a request whose time is over or whose client is gone; its query is cancelled with it."""

    seconds: float

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request beside a watch on its client."""
        exchange = _Exchange(receive, send)
        handler = asyncio.ensure_future(self.app(scope, exchange.receive, exchange.send))
        watch = asyncio.create_task(exchange.client_gone())
        try:
            await asyncio.wait(
                {handler, watch}, timeout=self.seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if not exchange.answered:
                handler.cancel()  # which changes nothing where it has ended
            with suppress(asyncio.CancelledError):
                await handler
            if not exchange.begun and not watch.done():
                raise errors.UnavailableError
        finally:
            handler.cancel()
            watch.cancel()


class _Exchange:
    """One request's messages, so that the client's leaving is seen without stealing its body."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._read = asyncio.Event()
        self.begun = self.answered = False

    async def receive(self) -> Message:
        """Hand the body to the application, which reads it first; the watch has what follows."""
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


class BodyMiddleware(Middleware):
    """Refuses a body that is too large, or JSON that cannot be read, before anything is routed."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, judge it, and hand it on as one message."""
        request = Request(scope, receive)
        body = await _read(request)
        kind = request.headers.get("content-type", "")
        if body and bodies.is_json(kind):
            bodies.check(body)
        elif "+json" in kind.lower():  # the framework would read it, and we promise not to
            scope["headers"] = [each for each in scope["headers"] if each[0] != b"content-type"]
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        await self.app(scope, replay, send)


async def _read(request: Request) -> bytes:
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > bodies.LARGEST:
        raise errors.BodyTooLargeError
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bodies.LARGEST:
            raise errors.BodyTooLargeError
    return bytes(body)


class HeadMiddleware(Middleware):
    """Has HEAD answered as GET would be; the server leaves the body out."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Show the router a GET, and everybody else what it was."""
        shown = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        try:
            await self.app(shown, receive, send)
        finally:
            scope["route"] = shown.get("route")  # the log names it


class UnitOfWorkMiddleware(Middleware):
    """One session and one transaction a request, ended before the first byte of the answer.

    An answer of 400 or above, a crash, a deadline and a client that left store nothing. What goes
    on after the answer began, a stream for one, needs a session of its own to store anything.
    """

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Commit or roll back when the answer begins; a commit that fails is the answer."""
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
            await self.app(scope, receive, settle)
