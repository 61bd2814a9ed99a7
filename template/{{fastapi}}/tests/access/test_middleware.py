"""No route is open by mistake, however it was added, and odd requests are requests, too."""

import asyncio
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request, WebSocket
from starlette.responses import JSONResponse
from starlette.testclient import TestClient
from starlette.types import Message
from starlette.websockets import WebSocketDisconnect

import main
from access import middleware, public
from tests.access.conftest import Open
from tests.support import Login, MakeUser, refusal

pytestmark = [pytest.mark.integration, pytest.mark.security]


async def plain(request: Request) -> JSONResponse:
    """Ask for nobody."""
    return JSONResponse({})


def routes() -> APIRouter:
    """Return a router with a route of every kind."""
    router, inner = APIRouter(prefix="/api/v1"), APIRouter()
    router.add_api_route("/forgotten", plain)
    router.add_route("/api/v1/starlette", plain)
    inner.add_api_route("/", plain)
    router.include_router(inner, prefix="/nested")
    library = FastAPI(openapi_url=None)
    library.add_api_route("/within", plain)
    router.mount("/api/v1/mounted", library)
    return router


@pytest.mark.parametrize("path", ["forgotten", "starlette", "nested/", "mounted/within"])
def test_a_route_that_asks_for_nobody_is_closed(
    include: Open, make_user: MakeUser, login: Login, path: str
) -> None:
    """A token opens it; a method that it does not take is refused to everybody alike."""
    client, headers = include(routes()), login(make_user())
    for method in ("GET", "HEAD"):
        answer = client.request(method, f"/api/v1/{path}")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert client.request(method, f"/api/v1/{path}", headers=headers).status_code == 200
    asked = [client.options(f"/api/v1/{path}", headers=each) for each in ({}, headers)]
    assert {answer.status_code for answer in asked} <= {401, 405}


def test_a_route_in_the_list_is_everybody_s(include: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """For its method, and whatever token comes along."""
    opened = {"GET /api/v1/forgotten", "GET /api/v1/mounted/{path}"}
    monkeypatch.setattr(public, "routes", lambda: public.ROUTES | opened)
    client = include(routes())
    for path in ("forgotten", "mounted/within"):
        assert client.get(f"/api/v1/{path}").status_code == 200
        bad = {"Authorization": "Bearer nonsense"}
        assert client.get(f"/api/v1/{path}", headers=bad).status_code == 200
    assert client.get("/api/v1/nested/").status_code == 401


def test_a_websocket_is_closed(include: Open, make_user: MakeUser, login: Login) -> None:
    """Nobody gets in, since nothing has asked who it is."""
    router = APIRouter()

    @router.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()

    client = include(router)
    for headers in ({}, login(make_user())):
        with (
            pytest.raises(WebSocketDisconnect) as closed,
            client.websocket_connect("/live", headers=headers),
        ):
            pass
        assert closed.value.code == 1008


async def ask(path: str, *headers: tuple[bytes, bytes], **scope: Any) -> Message:
    """Return the beginning of an answer to a request as a server hands it on."""
    app, sent = main.create(), list[Message]()
    received: list[Message] = [{"type": "http.request", "body": b""}]

    async def receive() -> Message:
        if not received:
            await asyncio.Event().wait()
        return received.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    asked = {"type": "http", "method": "GET", "path": path, "query_string": b"", "scheme": "http"}
    lines = [(b"host", b"testserver"), *headers]
    async with main.lifespan(app):
        await app({**asked, "headers": lines, **scope}, receive, send)
    return sent[0]


@pytest.mark.parametrize("path", ["/", "/live", "/metrics", "/api/v1/users/me"])
@pytest.mark.parametrize("client", [None, ("", 0), ("/run/app.sock", 0)])
async def test_a_client_without_an_address(database: None, path: str, client: object) -> None:
    """As a Unix socket has it: it is answered as others are."""
    answer = await ask(path, client=client)
    assert answer["status"] == (401 if path == "/api/v1/users/me" else 200)


@pytest.mark.parametrize(
    "name",
    [
        b"authorization",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-request-id",
        b"origin",
        b"content-length",
        b"content-type",
    ],
)
@pytest.mark.parametrize("value", [b"", b"\xff\xfe\x00", b"Bearer \xf0\x9f\x98\x80", b"," * 4000])
async def test_bytes_that_are_no_text_are_refused_or_ignored(
    database: None, name: bytes, value: bytes
) -> None:
    """No header makes a failure of the service."""
    for path in ("/", "/api/v1/users/me", "/metrics"):
        answer = await ask(path, (name, value), client=("203.0.113.7", 1))
        assert answer["status"] < 500


def test_connections_end_with_the_application(database: None) -> None:
    """Each run has its own, so that none is used in another's event loop."""
    for _ in range(2):
        with TestClient(main.create()) as client:
            assert client.get("/").status_code == 200
            (connection,) = middleware.client().connection_pool._available_connections
            assert connection.is_connected
        assert not connection.is_connected


def test_an_unknown_path_is_unknown_to_everybody(
    include: Open, make_user: MakeUser, login: Login
) -> None:
    """It is no secret which routes there are."""
    client = include(APIRouter())
    for headers in ({}, login(make_user())):
        refusal(client.get("/api/v1/nowhere", headers=headers), 404, "not_found")
