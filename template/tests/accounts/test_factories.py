"""The factory of users makes people who can log in."""

import pytest

from tests.accounts.factories import UserFactory
from tests.support import PASSWORD, Client, Execute, Login, Make, MakeUser

pytestmark = pytest.mark.integration

ME = "/api/v1/users/me"


def test_it_makes_what_the_database_takes(make: Make, execute: Execute) -> None:
    """However often, each with an address of its own."""
    ids = {make(UserFactory).id for _ in range(30)}
    assert {found for (found,) in execute("SELECT id FROM accounts_user")} == ids
    assert len(ids) == 30


def test_its_users_log_in(data_client: Client, make_user: MakeUser, login: Login) -> None:
    """With the one password of all tests; `login` is the short way."""
    user = make_user()
    body = {"email": user.email, "password": PASSWORD}
    token = data_client.post("/api/v1/auth/token", json=body).json()["access_token"]
    long_way = data_client.get(ME, headers={"Authorization": f"Bearer {token}"})
    assert long_way.status_code == 200
    assert data_client.get(ME, headers=login(user)).json() == long_way.json()
    assert long_way.json()["id"] == str(user.id)
