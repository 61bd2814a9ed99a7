"""What every request passes after its id is known: load, failures."""

from collections.abc import Callable
from threading import BoundedSemaphore

from django.http import HttpRequest, HttpResponseBase

from config import problems, recycling
from config.environment import load
from config.errors import OverloadedError

Handler = Callable[[HttpRequest], HttpResponseBase]


class AdmissionMiddleware:
    """Refuses a request at once when this process already has its fill.

    The limit is below the server's threads, so probes and refusals always find one.
    """

    def __init__(self, get_response: Handler) -> None:
        """Take the limit of the environment."""
        self._get_response = get_response
        self._places = BoundedSemaphore(load().max_concurrent_requests)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer 503 or let the request in."""
        if not self._places.acquire(blocking=False):
            return problems.refusal(OverloadedError())
        try:
            recycling.count()
            return self._get_response(request)
        finally:
            self._places.release()


class ProblemMiddleware:
    """Answers the expected failures of views."""

    def __init__(self, get_response: Handler) -> None:
        """Wrap the next handler."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on."""
        return self._get_response(request)

    def process_exception(
        self,
        request: HttpRequest,
        error: Exception,
    ) -> HttpResponseBase | None:
        """Return the failure's problem document, or None to let it crash as a 500."""
        return problems.of(error)
