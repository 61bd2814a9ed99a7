"""The probes, answered before hosts, load or the database matter."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed, JsonResponse

from health import probes
from health.checks import monitor
from observability import request_id


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
        answer: HttpResponseBase
        if request.method not in {"GET", "HEAD"}:
            answer = HttpResponseNotAllowed(["GET", "HEAD"])
        else:
            status, body = (
                probes.live() if probe == probes.LIVE else probes.answer(probe, monitor.report())
            )
            answer = JsonResponse(body, status=status, headers=probes.HEADERS)
        answer.headers[request_id.HEADER] = request_id.accept(
            request.headers.get(request_id.HEADER)
        )
        return answer
