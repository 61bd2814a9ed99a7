"""What Django asks `access` about every request."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import NoReverseMatch, reverse
from django.utils.deprecation import MiddlewareMixin
from redis import Redis
from redis.exceptions import RedisError
from whitenoise.middleware import WhiteNoiseMiddleware

from access import networks, public, throttles
from access.throttles import Draw, Verdict
from accounts.authentication import TokenAuthentication
from accounts.errors import InvalidTokenError
from config import problems
from config.environment import load
from config.errors import NotAuthenticatedError, NotFoundError
from observability import metrics
from observability.middleware import route_of

Handler = Callable[[HttpRequest], HttpResponseBase]
_buckets = throttles.Buckets()
_ADMIN = f"/{load().admin_path}/"
if load().admin_path:  # its login is guessed at as the API's is, and asks for no token either
    _LOGIN = f"POST {_ADMIN}login/"
    throttles.ROUTES[_LOGIN] = "strict"
    public.ROUTES.add(_LOGIN)
    # Who edits there is no stranger, whom a hundred pages would have to do for an hour.
    _PAGES = [_ADMIN + "{part}/" * parts for parts in range(6)]
    throttles.ROUTES |= {f"{how} {page}": "user" for how in ("GET", "POST") for page in _PAGES}
throttles.check()


@lru_cache(maxsize=1)
def _client() -> Redis:
    return Redis.from_url(load().redis, **throttles.client_options())


def _drawn(draw: Draw) -> Verdict:
    if _buckets.tries_redis():
        try:
            script = _client().register_script(throttles.SCRIPT)
            return _buckets.answered(script(draw.keys, draw.arguments))
        except RedisError as error:
            _buckets.failed(error)
    return _buckets.stand_in(draw)


def _may_use_admin(request: HttpRequest) -> bool:
    try:
        networks.check_admin(request.META["REMOTE_ADDR"])
    except NotFoundError:
        return False
    return True


class ThrottleMiddleware:
    """Refuses a request that comes too soon, before anything is done for it."""

    def __init__(self, get_response: Handler) -> None:
        """Wrap the next handler."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer 429 or pass the request on; either way tell what is left."""
        path = request.path_info
        if path.startswith(_ADMIN) and not _may_use_admin(request):
            path = "/nowhere"  # whose limits would tell of it
        draw = throttles.draw_of(
            str(request.method),
            path,
            request.headers.get("Authorization"),
            request.META["REMOTE_ADDR"],
        )
        verdict = _drawn(draw)
        refusal = throttles.refusal(draw, verdict)
        answer = problems.refusal(refusal) if refusal else self._get_response(request)
        for name, value in throttles.headers(draw, verdict).items():
            answer.headers[name] = value
        return answer


class AdminFiles(WhiteNoiseMiddleware):  # type: ignore[misc] # it ships no types
    """Serves the files of the admin, where the admin may be used."""

    def __call__(self, request: HttpRequest) -> Any:
        """Answer with the file, or pass the request on."""
        return super().__call__(request) if _may_use_admin(request) else self.get_response(request)


class AccessMiddleware(MiddlewareMixin):
    """Asks everybody who they are, but on public routes; no view is open by mistake."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Answer 401, or 404 where admin routes are closed, or let the view begin."""
        route = route_of(request)
        if route is None:
            return None  # there is nothing to open
        is_ours = not _is_of_admin(request)  # which asks for itself
        methods = getattr(getattr(view, "cls", None), "http_method_names", [])
        refused = bool(methods) and not _takes(view, request)  # which is a 405 whoever asks
        try:
            if not is_ours or networks.is_fenced(route):
                networks.check_admin(request.META["REMOTE_ADDR"])
            if is_ours and not refused and not public.is_public(str(request.method), route):
                found = TokenAuthentication().authenticate(request)
                if found is None:
                    raise NotAuthenticatedError
                request._token_user = found[0]  # type: ignore[attr-defined]
        except Exception as error:
            if isinstance(error, InvalidTokenError):
                metrics.auth_failures.labels("access_token").inc()
            answer = problems.of(error)  # the database may be away
            if answer is None:
                raise
            return answer
        return None


def _is_of_admin(request: HttpRequest) -> bool:
    # A domain may call its own routes so, too.
    match = request.resolver_match
    if match is None or match.app_name != "admin":
        return False
    try:
        return request.path_info.startswith(reverse("admin:index"))
    except NoReverseMatch:
        return False


def _takes(view: Any, request: HttpRequest) -> bool:
    method = str(request.method).lower()
    handler = "get" if method == "head" and not hasattr(view.cls, "head") else method
    return method in view.cls.http_method_names and hasattr(view.cls, handler)
