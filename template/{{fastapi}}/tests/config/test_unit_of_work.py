"""One transaction a request: it ends before the answer begins, and as the answer says."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from fastapi import Response
from sqlalchemy import text
from starlette.types import Message, Scope

import main
from access import public
from config.database import Session
from config.environment import load
from tests.accounts.factories import UserFactory
from tests.support import Execute, Serve, refusal

pytestmark = pytest.mark.integration
USERS = "SELECT count(*) FROM accounts_user"


async def add(session: Session) -> dict[str, str]:
    session.add(UserFactory.build())
    await session.flush()
    return {"told": "too early"}


async def refuse(session: Session, response: Response) -> dict[str, str]:
    response.status_code = 409
    return await add(session)


async def collide(session: Session) -> dict[str, str]:
    """Break a rule that is looked at when the transaction ends."""
    await session.execute(
        text("CREATE TABLE slots (slot int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    )
    await session.execute(text("INSERT INTO slots VALUES (1), (1)"))
    return await add(session)


async def lose(session: Session) -> dict[str, str]:
    """Lose the connection when all is written."""
    told = await add(session)
    pid = await session.scalar(text("SELECT pg_backend_pid()"))
    with psycopg.connect(load().database, autocommit=True) as administrator:
        administrator.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    return told


def test_an_answer_that_refuses_stores_nothing(serve: Serve, execute: Execute) -> None:
    """Also where it was returned and not raised."""
    assert serve({"/users": refuse}).get("/users").status_code == 409
    assert execute(USERS) == [(0,)]


@pytest.mark.parametrize(
    ("handler", "status", "code"), [(collide, 409, "conflict"), (lose, 503, "unavailable")]
)
def test_a_failure_at_commit_is_the_answer(
    serve: Serve, execute: Execute, handler: Callable[..., object], status: int, code: str
) -> None:
    """Nothing of what would have been told is, nothing is stored, and the service goes on."""
    client = serve({"/fails": handler, "/users": add})
    answer = refusal(client.get("/fails"), status, code)
    assert b"too early" not in answer.content
    assert execute(USERS) == [(0,)]
    assert client.get("/users").status_code == 200


@pytest.fixture
def ask(database: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return what sends a request to a handler, message by message."""
    monkeypatch.setattr(public, "routes", lambda: {"GET /users"})

    async def ask(
        handler: Callable[..., object], send: Callable[[Message], object], *after: Message
    ) -> None:
        app = main.create()
        app.add_api_route("/users", handler, response_model=None)
        messages: Iterator[Message] = iter([{"type": "http.request", "body": b""}, *after])

        async def receive() -> Message:
            message = next(messages, None)
            if message is None:
                await asyncio.Event().wait()
            assert message
            return message

        async def sent(message: Message) -> None:
            send(message)

        headers = [(b"host", b"testserver")]
        scope: Scope = {"type": "http", "method": "GET", "path": "/users", "query_string": b""}
        async with main.lifespan(app):
            await app({**scope, "headers": headers}, receive, sent)

    return ask


async def test_it_is_stored_before_the_answer_begins(
    ask: Callable[..., Any], execute: Execute
) -> None:
    """Whoever reads the first byte can rely on it."""
    seen = []

    def send(message: Message) -> None:
        seen.append((message["type"], execute(USERS)))

    await ask(add, send)
    assert seen == [("http.response.start", [(1,)]), ("http.response.body", [(1,)])]


async def test_a_client_that_left_stored_nothing(ask: Callable[..., Any], execute: Execute) -> None:
    """What it asked for is given up where it stands."""
    written = asyncio.Event()

    async def wait(session: Session) -> None:
        await add(session)
        written.set()
        await asyncio.Event().wait()

    def send(message: Message) -> None:
        raise AssertionError(message)

    await asyncio.wait_for(ask(wait, send, {"type": "http.disconnect"}), 10)
    assert execute(USERS) == [(0,)]
