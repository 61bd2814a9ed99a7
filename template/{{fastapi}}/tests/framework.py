"""Fixtures that touch the framework; every service has the same, so tests can be shared."""

import os
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, cast
from urllib.parse import urlsplit

import psycopg
import pytest
from fastapi.routing import iter_route_contexts
from psycopg import sql
from sqlalchemy import NullPool, create_engine
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

import main
from access import middleware as access
from access import public
from config import cache, commands, postgres
from config import database as module
from config.environment import load
from tests.accounts.factories import UserFactory
from tests.support import Client, Execute, Make, MakeUser, Person, Serve

# Arguments of manage.py: undo every migration of ours; fail when a model has none.
UNDO_MIGRATIONS = [["migrate", "base"]]
# Variables that are not settings of the service, and what they are.
NOT_OURS: dict[str, str] = {}
CHECK_MIGRATIONS = ["check"]


@pytest.fixture(scope="session")
def _migrated() -> None:
    address = urlsplit(os.environ["DATABASE_URL"])
    name = sql.Identifier(address.path.removeprefix("/"))
    with psycopg.connect(address._replace(path="/postgres").geturl(), autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        admin.execute(sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(name))
    commands.run(load(), ["migrate"])


@pytest.fixture
def database(_migrated: None) -> Iterator[None]:
    """Give the test the migrated database; what requests committed is deleted afterwards."""
    yield
    tables = sql.SQL(", ").join(sql.Identifier(name) for name in module.Model.metadata.tables)
    with psycopg.connect(load().database) as connection:
        connection.execute(sql.SQL("TRUNCATE {}").format(tables))


@pytest.fixture
async def session(database: None) -> AsyncIterator[AsyncSession]:
    """Return a session whose work is rolled back, even where the test commits it."""
    async with module.engine().connect() as connection:
        outer = await connection.begin()
        savepoints = "create_savepoint"
        async with AsyncSession(connection, join_transaction_mode=savepoints) as opened:
            yield opened
        await outer.rollback()
    await module.engine().dispose()


@pytest.fixture(autouse=True)
def _own_connections() -> Iterator[None]:
    """Let no test use connections of another's event loop."""
    yield
    module.engine.cache_clear()
    module.sessions.cache_clear()
    cache.cache.cache_clear()
    access.client.cache_clear()


@pytest.fixture
def serve(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Return what makes a client; lifespans end with the test."""
    if not request.node.get_closest_marker("integration"):  # there is no Redis
        monkeypatch.setattr("access.middleware._buckets.tries_redis", lambda: False)
    with ExitStack() as clients:

        def serve(
            routes: Mapping[str, Callable[..., object]] | None = None,
            *,
            limit: int = 64,
        ) -> Client:
            changed = load().model_copy(update={"max_concurrent_requests": limit})
            monkeypatch.setattr(main, "load", lambda: changed)
            opened = public.routes() | {f"GET {route}" for route in routes or {}}
            monkeypatch.setattr(public, "routes", lambda: opened)
            app = main.create()
            for route, handler in (routes or {}).items():
                app.add_api_route(route, handler, response_model=None)
            client = TestClient(app, raise_server_exceptions=False)
            return cast("Client", clients.enter_context(client))

        yield serve


@pytest.fixture
def client(serve: Serve) -> Client:
    """Return a client of the application as it is."""
    return serve()


@pytest.fixture
def data_client(database: None, serve: Serve) -> Client:
    """Return a client of the application on the migrated database."""
    return serve()


def paths_of(client: Client) -> set[str]:
    """Return the paths of all routes of the application, `/api/v1/orders/{order_id}`."""
    routes = iter_route_contexts(cast("Any", client).app.routes)
    return {re.sub(r":\w+}", "}", str(route.path_format)) for route in routes}


@pytest.fixture
def make(database: None) -> Iterator[Make]:
    """Return what stores a thing that a factory builds."""
    engine = create_engine(
        "postgresql+psycopg://", connect_args=postgres.parameters(load()), poolclass=NullPool
    )
    with Session(engine, expire_on_commit=False) as opened:

        def make(factory: Any, **fields: object) -> Any:
            made = factory.build(**fields)
            opened.add(made)
            opened.commit()
            return made

        yield make


@pytest.fixture
def make_user(make: Make) -> MakeUser:
    """Return what stores a user with these fields."""

    def make_user(**fields: object) -> Person:
        return cast("Person", make(UserFactory, **fields))

    return make_user


@pytest.fixture
def execute(database: None) -> Execute:
    """Return what runs SQL on the database that the client's requests see."""

    def execute(query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(load().database, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    return execute
