"""The ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from config import domains, identity, problems, routes
from config.cache import cache
from config.database import engine
from config.environment import load
from config.middleware import AdmissionMiddleware, DeadlineMiddleware, HostMiddleware
from health.middleware import ProbeMiddleware
from observability.middleware import RequestMiddleware


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Close the connections of this process when it stops."""
    yield
    await engine().dispose()
    await cache().close()


def create() -> FastAPI:
    """Build the application; the middleware added last sees a request first.

    A domain may add to it in `extend(app)` of `apps/<domain>/application.py`.
    """
    settings = load()
    app = FastAPI(
        title=identity.TITLE,
        version=identity.VERSION,
        debug=bool(settings.debug),
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.include_router(routes.router)
    problems.register(app)
    for application in domains.modules("application"):
        application.extend(app)
    app.add_middleware(DeadlineMiddleware, seconds=settings.request_timeout)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_allowed_origins or (),
        allow_methods=["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"],
        allow_headers=["accept", "authorization", "content-type", "user-agent", "x-request-id"],
        expose_headers=["X-Request-ID"],
    )
    app.add_middleware(HostMiddleware, allowed=settings.allowed_hosts or ())
    app.add_middleware(AdmissionMiddleware, limit=settings.max_concurrent_requests)
    app.add_middleware(RequestMiddleware)
    app.add_middleware(ProbeMiddleware)
    return app


app = create()
