"""The probes and the metrics, answered before hosts, load or the database matter."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from config import problems
from config.errors import NotAuthenticatedError
from health import probes
from health.checks import monitor
from observability import logging, metrics, request_id
from observability.middleware import frame


class ProbeMiddleware:
    """Answers /live, /ready, /health and /metrics; everything else goes on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Wrap the next handler."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the probe, or pass the request on."""
        probe = probes.probe_of(request.path_info)
        if probe is None and request.path_info != metrics.PATH:
            return self._get_response(request)
        identifier = request_id.accept(request.headers.get(request_id.HEADER))
        if request.method not in {"GET", "HEAD"}:
            logging.bind_request(identifier)
            answer: HttpResponse = problems.response(405, headers={"Allow": "GET, HEAD"})
        elif probe is None:
            logging.bind_request(identifier)
            answer = _metrics(request)
        elif probe == probes.LIVE:
            answer = _json(*probes.live())
        else:
            answer = _json(*probes.answer(probe, monitor.report()))
        if request.method == "HEAD":
            answer.content = b""
        frame(request, answer, identifier)
        return answer


def _metrics(request: HttpRequest) -> HttpResponse:
    if not metrics.may_scrape(request.headers.get("Authorization")):
        return problems.refusal(NotAuthenticatedError())
    text, kind = metrics.scrape()
    return HttpResponse(text, content_type=kind, headers=probes.HEADERS)


def _json(status: int, body: dict[str, object]) -> JsonResponse:
    return JsonResponse(body, status=status, headers=probes.HEADERS)
