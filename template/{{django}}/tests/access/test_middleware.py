"""No view is open by mistake, whatever it says of itself."""

from types import ModuleType

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path
from pytest_django import Settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.support import Client, Login, MakeUser, refusal

pytestmark = [pytest.mark.integration, pytest.mark.security]


def plain(request: HttpRequest) -> HttpResponse:
    """Ask for nobody, as Django's own views do."""
    return HttpResponse("secret")


class Open(APIView):
    """Asks for nobody, and says so."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        """Answer."""
        return Response("secret")


@pytest.fixture
def service(data_client: Client, settings: Settings) -> Client:
    """Return a client of a service whose team forgot something."""
    module: ModuleType = settings.ROOT_URLCONF
    routes = [path("api/v1/plain", plain), path("api/v1/open", Open.as_view())]
    vars(module)["urlpatterns"] += routes
    return data_client


@pytest.mark.parametrize("route", ["/api/v1/plain", "/api/v1/open"])
def test_a_route_that_is_not_listed_is_closed(
    service: Client, make_user: MakeUser, login: Login, route: str
) -> None:
    """Without a token nothing is answered but 401, to HEAD as well; with one it is."""
    answer = refusal(service.get(route), 401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert service.head(route).status_code == 401
    bad = {"Authorization": "Bearer forged"}
    refusal(service.get(route, headers=bad), 401, "invalid_token")
    assert service.get(route, headers=login(make_user())).status_code == 200


def test_a_wrong_method_is_told_to_anybody(service: Client) -> None:
    """405 comes before the question who asks, as in every service of this template."""
    assert service.post("/api/v1/open").status_code == 405
