"""Of many who come with one refresh token one is served, and no other has to wait for it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from config import database as module
from config.environment import load
from tests.support import PASSWORD, Client, Execute, MakeUser, Response

pytestmark = [pytest.mark.integration, pytest.mark.security]

REFRESH = "/api/v1/auth/token/refresh"


@pytest.fixture(params=[1, 10], autouse=True)
def _pool(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the application have so many connections to the database."""
    changed = load().model_copy(update={"database_pool_max": request.param})
    monkeypatch.setattr(module, "load", lambda: changed)


@pytest.fixture
def tokens(data_client: Client, make_user: MakeUser) -> dict[str, Any]:
    """Return the tokens of a login."""
    credentials = {"email": make_user().email, "password": PASSWORD}
    found: dict[str, Any] = data_client.post("/api/v1/auth/token", json=credentials).json()
    return found


def refresh(client: Client, tokens: dict[str, Any]) -> Response:
    """Use a refresh token."""
    return client.post(REFRESH, json={"refresh_token": tokens["refresh_token"]})


def test_a_reuse_is_noted_though_it_is_refused(
    data_client: Client, tokens: dict[str, Any], execute: Execute
) -> None:
    """Also with one connection, which two transactions of a request cannot have at once."""
    renewed = refresh(data_client, tokens)
    assert renewed.status_code == 200
    assert refresh(data_client, tokens).status_code == 401
    assert execute("SELECT count(*) FROM access_token_family WHERE revoked_at IS NULL") == [(0,)]
    assert refresh(data_client, renewed.json()).status_code == 401
    bearer = {"Authorization": f"Bearer {renewed.json()['access_token']}"}
    assert data_client.get("/api/v1/users/me", headers=bearer).status_code == 401


def test_of_twenty_at_once_one_is_served(data_client: Client, tokens: dict[str, Any]) -> None:
    """And as the others are a reuse, its tokens are good for nothing either."""
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: refresh(data_client, tokens), range(20)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 19}
    (served,) = (answer for answer in answers if answer.status_code == 200)
    assert refresh(data_client, served.json()).status_code == 401
