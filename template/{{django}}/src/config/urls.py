"""Routes: the service document, and `apps/<domain>/urls.py` of every domain."""

from django.urls import include, path
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from config import domains, identity, problems


@api_view(["GET"])
def service(request: Request) -> Response:
    """Say what this service is and where its probes are."""
    return Response(identity.document())


urlpatterns = [
    path("", service),
    *(path("", include(f"{domain.__name__}")) for domain in domains.modules("urls")),
]

handler400 = problems.bad_request
handler404 = problems.not_found
handler500 = problems.server_error
