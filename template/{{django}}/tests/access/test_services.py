"""Logins end for good."""

import psycopg
import pytest

from accounts.models import User
from accounts.services import log_in
from config.environment import load
from tests.support import PASSWORD, Client, refusal

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.mark.security
def test_that_a_token_came_twice_stays_noted(data_client: Client) -> None:
    """The refusal rolls nothing back: others see that the login has ended."""
    User.objects.create_user("ada@example.org", PASSWORD)
    first = {"refresh_token": log_in(email="ada@example.org", password=PASSWORD).refresh_token}
    assert data_client.post("/api/v1/auth/token/refresh", json=first).status_code == 200
    again = data_client.post("/api/v1/auth/token/refresh", json=first)
    refusal(again, 401, "invalid_token")
    with psycopg.connect(load().database) as other:
        query = "SELECT revoked_at IS NOT NULL FROM access_token_family"
        assert other.execute(query).fetchall() == [(True,)]
