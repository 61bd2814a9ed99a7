"""Fixtures that touch the framework; every service has the same, so tests can be shared."""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from types import ModuleType
from typing import Any, cast

import django
import psycopg
import pytest
from django.db import connection, transaction
from django.test import Client as DjangoClient
from django.urls import get_resolver, path
from pytest_django import Settings

from config import django_setup, domains
from config.environment import load
from tests.support import Client, Execute, Make, MakeUser, Person, Serve

# Arguments of manage.py: undo every migration, Django's own included; fail when a model has none.
UNDO_MIGRATIONS = [
    ["migrate", domain.removeprefix("apps."), "zero"]
    for domain in [*domains.names(), "accounts"]
    if find_spec(f"{domain}.migrations")
] + [["migrate", app, "zero"] for app in ("auth", "contenttypes", "sessions")]
# Variables that are not settings of the service, and what they are.
NOT_OURS = {"DJANGO_SETTINGS_MODULE": "Django's own; derived from ENVIRONMENT where it is unset"}
CHECK_MIGRATIONS = ["makemigrations", "--check", "--dry-run"]


def pytest_configure() -> None:
    """Set Django up before test modules import models."""
    django_setup.select(load())
    django.setup()
    # A worker of pytest-xdist would inherit it and read the settings before its own database.
    del os.environ["DJANGO_SETTINGS_MODULE"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Keep the name: conftest.py already gave each process of the run its own database."""


@pytest.fixture
def database(db: None) -> None:
    """Give the test the migrated database; what it writes through Django is rolled back."""


class _Client(DjangoClient):
    """Django's client, with the parameters that `tests.support.Client` has."""

    def generic(self, method: str, path: Any, *args: Any, **options: Any) -> Any:
        """Send a request with a body of JSON, or as Django would with none of its forms."""
        headers: dict[str, str] = options.pop("headers", None) or {}
        content, body = b"", options.pop("json", None)
        if body is not None:
            content = json.dumps(body).encode()
            headers = {"Content-Type": "application/json"} | headers
        kind = headers.get("Content-Type", "")
        return super().generic(method, path, content, kind, headers=headers, **options)


@pytest.fixture
def serve(
    settings: Settings, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Serve]:
    """Return what makes a client; a test's own routes are public."""
    from rest_framework.request import Request
    from rest_framework.response import Response

    from access import public
    from config import schema, urls
    from config.views import Public

    if not request.node.get_closest_marker("integration"):  # there is no Redis
        monkeypatch.setattr("access.middleware._buckets.tries_redis", lambda: False)

    def serve(
        routes: Mapping[str, Callable[..., object]] | None = None,
        *,
        limit: int = 64,
    ) -> Client:
        def view(handler: Callable[..., object]) -> Any:
            def get(self: Public, request: Request) -> Response:
                return Response(handler())

            route: Any = type("Route", (Public,), {"get": get})
            return transaction.non_atomic_requests(route.as_view())

        module = ModuleType("routes")
        vars(module).update(vars(urls))
        patterns = [
            path(route.removeprefix("/"), view(handler))
            for route, handler in (routes or {}).items()
        ]
        opened = public.routes() | {f"GET {route}" for route in routes or {}}
        monkeypatch.setattr(public, "routes", lambda: opened)
        vars(module)["urlpatterns"] = [*urls.urlpatterns, *patterns]
        settings.ROOT_URLCONF = module
        changed = load().model_copy(update={"max_concurrent_requests": limit})
        monkeypatch.setattr("config.middleware.load", lambda: changed)
        return cast("Client", _Client(raise_request_exception=False))

    yield serve
    schema.document.cache_clear()  # it may know the test's own routes


@pytest.fixture
def client(serve: Serve) -> Client:
    """Return a client of the application as it is."""
    return serve()


@pytest.fixture
def data_client(database: None, serve: Serve) -> Client:
    """Return a client of the application on the migrated database."""
    return serve()


def paths_of(_: Client) -> set[str]:
    """Return the paths of all routes of the application, `/api/v1/orders/{order_id}`."""

    def walk(patterns: Iterable[Any], before: str) -> Iterator[str]:
        for each in patterns:
            whole = before + str(each.pattern)
            yield from walk(each.url_patterns, whole) if hasattr(each, "url_patterns") else [whole]

    found = walk(get_resolver().url_patterns, "/")
    return {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path) for path in found}


@pytest.fixture
def make(database: None) -> Make:
    """Return what stores a thing that a factory builds."""
    return lambda factory, **fields: factory(**fields)


@pytest.fixture
def make_user(make: Make) -> MakeUser:
    """Return what stores a user with these fields."""
    from tests.accounts.factories import UserFactory

    return lambda **fields: cast("Person", make(UserFactory, **fields))


@pytest.fixture
def execute(database: None) -> Execute:
    """Return what runs SQL on the database that the client's requests see."""

    def execute(query: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        connection.ensure_connection()
        with transaction.atomic():
            cursor = cast("psycopg.Connection", connection.connection).execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    return execute
