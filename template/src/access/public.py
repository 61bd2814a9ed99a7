"""The routes that are answered without a token: these, and no other.

A domain adds its own in `ROUTES` of `apps/<domain>/public.py`; a test of the service lists them
all, so that each is looked at twice. The probes and /metrics are answered before any route.
"""

from functools import lru_cache

from config import domains

ROUTES = {
    "GET /",
    "GET /api/config",
    "GET /api/docs",
    "GET /api/docs/{asset}",
    "GET /api/schema",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/token",
    "POST /api/v1/auth/token/refresh",
    "POST /api/v1/auth/token/revoke",
}


@lru_cache(maxsize=1)
def routes() -> frozenset[str]:
    """Return all of them, as `GET /api/v1/orders/{order_id}`."""
    return frozenset(ROUTES).union(*(domain.ROUTES for domain in domains.modules("public")))


def is_public(method: str, route: str) -> bool:
    """Return whether anybody may; HEAD is asked as GET."""
    return f"{'GET' if method == 'HEAD' else method} {route}" in routes()
