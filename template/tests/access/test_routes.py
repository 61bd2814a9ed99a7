"""What a stranger gets to see: every path of the application is asked, in every way."""

import re

import pytest

from tests.framework import paths_of
from tests.support import Client, Serve, reviewed

pytestmark = [pytest.mark.integration, pytest.mark.security]

METHODS = ("DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT")
# A list of its own on purpose: whoever opens a route is reminded of it here.
OPEN = {
    "GET /",
    "GET /api/config",
    "GET /api/docs",
    "GET /api/schema",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/token",
    "POST /api/v1/auth/token/refresh",
    "POST /api/v1/auth/token/revoke",
}
NOBODY = "00000000-0000-0000-0000-000000000000"


def opened(client: Client) -> set[str]:
    """Return what is neither refused nor unknown to a stranger, `GET /api/config`."""
    found = set()
    for path in paths_of(client):
        for method in METHODS:
            answer = getattr(client, method.lower())(re.sub(r"\{\w+\}", NOBODY, path))
            if answer.status_code not in {401, 403, 404, 405}:
                found.add(f"{method} {path}")
    return found


def test_a_stranger_gets_nowhere_else(data_client: Client) -> None:
    """All that is in no list of public routes asks who it is, domains included."""
    assert opened(data_client) == OPEN | reviewed()


def test_a_route_that_is_opened_is_found(database: None, serve: Serve) -> None:
    """The walk sees what was added, and lists what it is told of in the document as well."""
    client = serve({"/opened": lambda: {}})
    assert opened(client) - OPEN - reviewed() == {"GET /opened"}
    assert client.get("/api/schema").json()["paths"].keys() <= paths_of(client)
