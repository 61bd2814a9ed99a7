"""A request is one transaction, which ends before its answer begins."""

from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

import psycopg
import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client as DjangoClient
from django.urls import path
from pytest_django import Settings
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from config.environment import load
from config.errors import ConflictError
from config.views import Public

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

Ask = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def ask(settings: Settings) -> Ask:
    """Return what answers a request whose view stores a user and then does something."""

    def ask(then: Callable[[], Any]) -> Any:
        def get(self: Public, request: Request) -> Any:
            User.objects.create_user("ada@example.org")
            return then()

        view: Any = type("Route", (Public,), {"get": get})
        module = ModuleType("routes")
        vars(module)["urlpatterns"] = [path("", view.as_view())]
        vars(module)["handler500"] = "config.problems.server_error"
        settings.ROOT_URLCONF = module
        return DjangoClient(raise_request_exception=False).get("/")

    return ask


def stored() -> int:
    """Count the users that others see."""
    with psycopg.connect(load().database) as other:
        row = other.execute("SELECT count(*) FROM accounts_user").fetchone()
        return cast("int", row[0] if row else 0)


def raising(error: Exception) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


def test_what_is_answered_well_is_stored(ask: Ask) -> None:
    """Nobody sees it before the view is done."""
    answer = ask(lambda: Response({"seen": stored()}))
    assert (answer.status_code, answer.json()) == (200, {"seen": 0})
    assert stored() == 1


@pytest.mark.parametrize(
    ("then", "status"),
    [
        (lambda: Response(status=404), 404),
        (lambda: HttpResponse(status=503), 503),
        (lambda: Response({"unspeakable": object()}), 500),
        (raising(ConflictError()), 409),
        (raising(Http404()), 404),
        (raising(PermissionDenied()), 403),
        (raising(exceptions.Throttled()), 429),
        (raising(exceptions.ValidationError({"rows": [{}, {"x": ["no"]}]})), 422),
        (raising(OperationalError()), 503),
        (raising(KeyError()), 500),
        (lambda: User.objects.create_user("ada@example.org"), 409),
    ],
)
def test_a_failure_stores_nothing(ask: Ask, then: Callable[[], Any], status: int) -> None:
    """Whoever finds it, an answer that cannot be written included."""
    assert ask(then).status_code == status
    assert stored() == 0


def test_a_failure_at_commit_is_an_answer(ask: Ask) -> None:
    """A constraint that is looked at last is a conflict like any other."""

    def defer() -> Response:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMPORARY TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)"
                " ON COMMIT DROP"
            )
            cursor.execute("INSERT INTO late VALUES (1), (1)")
        return Response({})

    answer = ask(defer)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert stored() == 0


def test_a_fault_deep_in_a_body_has_its_place(ask: Ask) -> None:
    """A pointer leads through objects and lists."""
    wrong = exceptions.ValidationError(
        {"#": ["all of it"], "rows": [{}, {"x": [exceptions.ErrorDetail("", "max_value")]}]}
    )
    errors = ask(raising(wrong)).json()["errors"]
    found = {error["pointer"]: error["code"] for error in errors}
    assert found == {"#": "invalid_format", "#/rows/1/x": "too_large"}


def test_a_plain_view_fails_like_any_other(settings: Settings) -> None:
    """One of Django's own kind, which knows nothing of REST framework."""

    def view(request: HttpRequest) -> HttpResponse:
        raise IntegrityError

    module = ModuleType("routes")
    vars(module)["urlpatterns"] = [path("", view)]
    settings.ROOT_URLCONF = module
    answer = DjangoClient(raise_request_exception=False).get("/")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
