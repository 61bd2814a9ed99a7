"""The probes, answered before hosts, load or the database matter."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from config import problems
from health import probes
from health.checks import monitor
from observability import logging, request_id


class ProbeMiddleware:
    """Answers /live, /ready and /health; everything else goes on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Wrap the next handler."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the probe, or pass the request on."""
        probe = probes.probe_of(request.path_info)
        if probe is None:
            return self._get_response(request)
        identifier = request_id.accept(request.headers.get(request_id.HEADER))
        if request.method not in {"GET", "HEAD"}:
            logging.bind_request(identifier)
            answer = problems.response(405, headers={"Allow": "GET, HEAD"})
        elif probe == probes.LIVE:
            answer = _json(*probes.live())
        else:
            answer = _json(*probes.answer(probe, monitor.report()))
        if request.method == "HEAD":
            answer.content = b""
        answer.headers[request_id.HEADER] = identifier
        return answer


def _json(status: int, body: dict[str, object]) -> JsonResponse:
    return JsonResponse(body, status=status, headers=probes.HEADERS)
