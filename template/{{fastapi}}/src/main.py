"""The ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from access import middleware as access
from config import domains, identity, middleware, openapi, problems, routes
from config.cache import cache
from config.database import engine
from config.environment import load
from health.middleware import ProbeMiddleware
from observability.middleware import CrashMiddleware, RequestMiddleware


class Service(FastAPI):
    """FastAPI, whose OpenAPI document names all failures."""

    def openapi(self) -> dict[str, Any]:
        """Return the document, made at its first use."""
        if not self.openapi_schema:
            self.openapi_schema = openapi.complete(super().openapi())
        return self.openapi_schema


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Close the connections of this process when it stops."""
    yield
    await engine().dispose()
    await cache().close()
    await access.client().aclose()


def create() -> Service:
    """Build the application; the middleware added last sees a request first.

    A domain may add to it in `extend(app)` of `apps/<domain>/application.py`.
    """
    settings = load()
    app = Service(
        title=identity.TITLE,
        version=identity.VERSION,
        description=identity.DESCRIPTION,
        debug=bool(settings.debug),
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=routes.operation_id,
        responses={422: {"description": "Replaced by `openapi.complete`."}},
    )
    routes.register(app, with_docs=bool(settings.api_docs_enabled))
    problems.register(app)
    for application in domains.modules("application"):
        application.extend(app)
    app.add_middleware(access.AccessMiddleware, routes=app.routes)
    app.add_middleware(middleware.UnitOfWorkMiddleware)
    app.add_middleware(middleware.HeadMiddleware)
    app.add_middleware(middleware.BodyMiddleware)
    app.add_middleware(access.ThrottleMiddleware)
    app.add_middleware(middleware.DeadlineMiddleware, seconds=settings.request_timeout)
    app.add_middleware(CrashMiddleware)  # where browsers are still told who may read the answer
    app.add_middleware(
        middleware.BrowserMiddleware,
        allow_origins=settings.cors_allowed_origins or (),
        allow_methods=["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"],
        allow_headers=["accept", "authorization", "content-type", "user-agent", "x-request-id"],
        expose_headers=["RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"],
    )
    if settings.https_redirect:
        app.add_middleware(middleware.HttpsMiddleware)
    app.add_middleware(middleware.HostMiddleware, allowed=settings.allowed_hosts or ())
    app.add_middleware(middleware.AdmissionMiddleware, limit=settings.max_concurrent_requests)
    app.add_middleware(CrashMiddleware)
    app.add_middleware(RequestMiddleware)
    app.add_middleware(ProbeMiddleware)
    return app


app = create()
