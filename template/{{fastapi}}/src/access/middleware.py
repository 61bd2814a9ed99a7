"""What is asked of every request before anything is done for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from fastapi.routing import RouteContext, iter_route_contexts
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette import status
from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import BaseRoute, Match
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from access import networks, public, throttles
from access.throttles import Draw, Verdict
from accounts.authentication import authenticate
from accounts.models import User
from config import problems
from config.environment import load
from config.middleware import Middleware

_buckets = throttles.Buckets()
throttles.check()


@lru_cache(maxsize=1)
def client() -> "Redis":
    """Return this process's connections to the buckets; they are of one event loop."""
    return Redis.from_url(load().redis, **throttles.client_options())


async def _drawn(draw: Draw) -> Verdict:
    if _buckets.tries_redis():
        try:
            script = client().register_script(throttles.SCRIPT)
            return _buckets.answered(await script(draw.keys, draw.arguments))
        except RedisError as error:
            _buckets.failed(error)
    return _buckets.stand_in(draw)


class ThrottleMiddleware(Middleware):
    """Refuses a request that comes too soon; either way its answer tells what is left."""

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 429 or pass the request on."""
        authorization = Headers(scope=scope).get("authorization")
        draw = throttles.draw_of(scope["method"], scope["path"], authorization, scope["client"][0])
        verdict = await _drawn(draw)

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(throttles.headers(draw, verdict))
            await send(message)

        refusal = throttles.refusal(draw, verdict)
        await (problems.refusal(refusal) if refusal else self.app)(scope, receive, tell)


@dataclass
class AccessMiddleware(Middleware):
    """Asks everybody who they are, but on public routes; none of `routes` is open by mistake.

    It finds the route before the router does: a plain route or a mounted application knows of no
    dependencies, and a nested one not its whole path.
    """

    routes: Sequence[BaseRoute]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Close WebSockets, of which nobody has asked who opens them; the server takes none."""
        if scope["type"] == "websocket":
            await WebSocketClose(status.WS_1008_POLICY_VIOLATION)(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or 404 where admin routes are closed, or let the request in."""
        match, route = self._found(scope)
        if route is not None:
            scope["route"] = route  # for the log of a refusal; later the router puts its own there
            template = route.path_format or ""
            if networks.is_fenced(template):
                networks.check_admin(scope["client"][0])
            # A method that the route does not take is a 405, whoever asks.
            if match is Match.FULL and not public.is_public(scope["method"], template):
                scope.setdefault("state", {})["user"] = await _user(scope)
        await self.app(scope, receive, send)

    def _found(self, scope: Scope) -> tuple[Match, RouteContext | None]:
        partial = None
        for route in iter_route_contexts(self.routes):
            match, _ = route.matches(scope)
            if match is Match.FULL:
                return match, route
            if match is Match.PARTIAL:
                partial = partial or route
        return Match.PARTIAL, partial


async def _user(scope: Scope) -> User:
    try:
        authorization = Headers(scope=scope).get("authorization")
        return await authenticate(scope["unit_of_work"], authorization)
    except problems.OF_DATABASE as error:  # nothing handles failures out here
        raise problems.of_database(error) from error
