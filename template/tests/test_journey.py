"""Somebody comes, looks around and leaves again."""

import pytest

from tests.journey import Traveller
from tests.support import PASSWORD, Client

pytestmark = pytest.mark.integration

ME = "/api/v1/users/me"


def test_from_registration_to_farewell(anywhere: Client) -> None:
    """Find the service, register, log in, change one's name, leave; then nobody is there."""
    links = anywhere.get("/").json()["links"]
    assert anywhere.get(links["ready"]).status_code == 200
    assert anywhere.get(links["config"]).status_code == 200
    ada = Traveller(anywhere, "ada")
    assert ada.does("get", ME, 200) == ada.user
    changed = ada.does("patch", ME, 200, {"full_name": "Ada Lovelace"})
    assert changed == ada.user | {"full_name": "Ada Lovelace"}
    assert ada.does("get", ME, 200) == changed
    ada.does("patch", ME, 422, {"email": "eve@example.org"})
    ada.leaves()
    account = {"email": ada.user["email"], "password": PASSWORD}
    assert anywhere.post("/api/v1/auth/token", json=account).status_code == 401
