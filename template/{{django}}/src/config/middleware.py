"""What every request passes after its id is known: load, body, transaction."""

from collections.abc import Callable
from io import BytesIO
from threading import BoundedSemaphore
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.template.response import SimpleTemplateResponse
from django.utils.deprecation import MiddlewareMixin

from config import bodies, https, problems, recycling
from config.environment import load
from config.errors import BodyTooLargeError, MalformedBodyError, OverloadedError

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


class HttpsMiddleware(MiddlewareMixin):
    """Sends what came by http to the same place by https; Django's own knows no 308."""

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        """Answer 301 or 308, or pass the request on; a foreign host is refused."""
        if request.scheme == "https" or not load().https_redirect:
            return None
        method, query = str(request.method), request.META.get("QUERY_STRING", "")
        status, place = https.redirect(method, request.get_host(), request.path, query)
        answer = HttpResponse(status=status, headers={"Location": place, "Content-Length": "0"})
        del answer.headers["Content-Type"]
        return answer


class BodyMiddleware(MiddlewareMixin):
    """Refuses a body that is too large, or JSON that cannot be read, before anything is routed."""

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        """Read the body, which stays with the request, and judge it."""
        try:
            if "HTTP_TRANSFER_ENCODING" in request.META:
                _measure(request)
            if request.body and bodies.is_json(request.META.get("CONTENT_TYPE", "")):
                bodies.check(request.body)
        except RequestDataTooBig:
            return problems.refusal(BodyTooLargeError())
        except (MalformedBodyError, UnreadablePostError):
            return problems.refusal(MalformedBodyError())
        return None


def _measure(request: Any) -> None:
    # Django takes a body that comes in parts, and so has no length, for none.
    body = request.META["wsgi.input"].read(bodies.LARGEST + 1)
    request.META["CONTENT_LENGTH"] = str(len(body))
    request._stream = BytesIO(body)


class UnitOfWorkMiddleware(MiddlewareMixin):
    """One transaction a request, which ends before the first byte of the answer is sent.

    An answer of 400 or above and a crash store nothing. Django's own ATOMIC_REQUESTS commits
    before the answer is rendered, and keeps what a view wrote before it answered with a failure.
    """

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Call the view, save one that `transaction.non_atomic_requests` excepts."""
        if "default" in getattr(view, "_non_atomic_requests", ()):
            return None
        try:
            with transaction.atomic():
                answer: HttpResponseBase = view(request, *args, **kwargs)
                if isinstance(answer, SimpleTemplateResponse):
                    answer.render()
                if answer.status_code >= 400:
                    transaction.set_rollback(True)
        except Exception as error:
            failure = problems.of(error)
            if failure is None:
                raise
            return failure
        return answer

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Answer for views without a transaction what fails in them."""
        return problems.of(error)
