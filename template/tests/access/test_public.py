"""Which routes anybody may ask."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from access import public
from config import domains

pytestmark = pytest.mark.security
# A second list on purpose: a route is opened in two places, and looked at twice.
REVIEWED = {
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


@pytest.fixture
def _domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a domain open a route."""
    prices = SimpleNamespace(ROUTES={"GET /api/v1/prices/{price_id}"})
    monkeypatch.setattr(domains, "modules", lambda name: {"public": [prices]}[name])
    public.routes.cache_clear()
    yield
    public.routes.cache_clear()


def test_the_reviewed_routes_are_public_and_no_other() -> None:
    """Who opens one of the template's routes changes this list as well."""
    assert public.ROUTES == REVIEWED


@pytest.mark.usefixtures("_domain")
@pytest.mark.parametrize(
    ("method", "route", "open_"),
    [
        ("GET", "/", True),
        ("HEAD", "/", True),
        ("POST", "/", False),
        ("POST", "/api/v1/auth/token", True),
        ("GET", "/api/v1/auth/token", False),
        ("POST", "/api/v1/auth/password", False),
        ("GET", "/api/v1/users/me", False),
        ("GET", "/api/v1/prices/{price_id}", True),
        ("HEAD", "/api/v1/prices/{price_id}", True),
        ("DELETE", "/api/v1/prices/{price_id}", False),
        ("GET", "/api/v1/prices", False),
        ("GET", "", False),
    ],
)
def test_a_route_is_open_for_its_method_alone(method: str, route: str, open_: bool) -> None:
    """Domains open their own; HEAD is as open as GET."""
    assert public.is_public(method, route) is open_
