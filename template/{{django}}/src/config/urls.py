"""Routes: what is everybody's, accounts, and `apps/<domain>/urls.py` of every domain."""

from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from django.contrib import admin
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.urls import include, path, re_path, register_converter
from django.urls.converters import UUIDConverter
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from config import docs_page, documents, domains, problems, validation
from config.environment import load
from config.errors import NotFoundError
from config.schema import document
from config.views import Public
from observability.middleware import UNKNOWN

_SIDECAR = "drf_spectacular_sidecar"
SWAGGER = Path(str(files(_SIDECAR))) / f"static/{_SIDECAR}/swagger-ui-dist"


class _Id(UUIDConverter):
    """An id, in either case; Django's own knows small letters only."""

    regex = validation.UUID.strip("^$")


register_converter(_Id, "id")


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Document(Public):
    """What the service tells of itself, with or without a database."""


@extend_schema(tags=["service"], responses=dict[str, Any])
class Service(Document):
    """The service document."""

    def get(self, request: Request) -> Response:
        """Say what this service is and where its probes are."""
        return Response(documents.service())


@extend_schema(tags=["service"], responses=dict[str, Any])
class Config(Document):
    """The settings that a client may know."""

    def get(self, request: Request) -> Response:
        """Tell the settings that a client may know."""
        return Response(documents.client_settings(), headers=documents.CACHED)


@extend_schema(exclude=True)
class Docs(Document):
    """What shows the API: each route has a `show` of its own."""

    show: Any = None

    def get(self, request: Request, **place: str) -> HttpResponseBase:
        """Show it."""
        return cast("HttpResponseBase", self.show(**place))


def show_asset(asset: str) -> HttpResponse:
    """Return a file of the page."""
    if asset not in (assets := docs_page.assets(SWAGGER)):
        raise NotFoundError
    content, kind = assets[asset]
    return HttpResponse(content, content_type=kind, headers=docs_page.FOR_EVER)


urlpatterns = [
    path("", Service.as_view()),
    path("api/config", Config.as_view()),
    path("", include("accounts.urls")),
    *(path("", include(f"{domain.__name__}")) for domain in domains.modules("urls")),
]
if load().api_docs_enabled:
    urlpatterns += [
        path("api/schema", Docs.as_view(show=lambda: Response(document()))),
        path("api/docs", Docs.as_view(show=lambda: HttpResponse(docs_page.page(SWAGGER)))),
        path("api/docs/<str:asset>", Docs.as_view(show=show_asset)),
    ]
if load().admin_path:
    urlpatterns.append(path(f"{load().admin_path}/", admin.site.urls))
if load().debug:  # Django would answer with a page of its own
    unknown = csrf_exempt(transaction.non_atomic_requests(problems.not_found))
    urlpatterns.append(re_path("", unknown, name=UNKNOWN))

handler400 = problems.bad_request
handler404 = problems.not_found
handler500 = problems.server_error
