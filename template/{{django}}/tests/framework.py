"""Fixtures that touch the framework; every service has the same, so tests can be shared."""

import os
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import cast

import django
import pytest
from django.test import Client as DjangoClient
from django.urls import path
from pytest_django import Settings

from config import django_setup
from config.environment import load
from tests.support import Client, Serve

# Arguments of manage.py: undo every migration of ours; fail when a model has none.
UNDO_MIGRATIONS = ["migrate", "accounts", "zero"]
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


@pytest.fixture
def serve(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Return what makes a client."""
    from rest_framework.decorators import api_view
    from rest_framework.request import Request
    from rest_framework.response import Response

    from config import urls

    def serve(
        routes: Mapping[str, Callable[..., object]] | None = None,
        *,
        limit: int = 64,
    ) -> Client:
        def view(handler: Callable[..., object]) -> Callable[[Request], Response]:
            return lambda request: Response(handler())

        module = ModuleType("routes")
        vars(module).update(vars(urls))
        patterns = [
            path(route.removeprefix("/"), api_view(["GET"])(view(handler)))
            for route, handler in (routes or {}).items()
        ]
        vars(module)["urlpatterns"] = [*urls.urlpatterns, *patterns]
        settings.ROOT_URLCONF = module
        changed = load().model_copy(update={"max_concurrent_requests": limit})
        monkeypatch.setattr("config.middleware.load", lambda: changed)
        return cast("Client", DjangoClient(raise_request_exception=False))

    return serve


@pytest.fixture
def client(serve: Serve) -> Client:
    """Return a client of the application as it is."""
    return serve()
