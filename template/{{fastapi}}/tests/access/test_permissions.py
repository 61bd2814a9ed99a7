"""A route lets in whom its rule names, and says 403 to all others."""

import uuid
from typing import Any

import pytest
from fastapi import APIRouter, Request

from access import rules
from access.permissions import IsAdmin, IsSuperuser, authorise, role_with
from accounts.authentication import CurrentUser
from tests.access.conftest import Open
from tests.support import Execute, Login, MakeUser

pytestmark = [pytest.mark.integration, pytest.mark.security]

PEOPLE: dict[str, dict[str, bool]] = {
    "user": {},
    "staff": {"is_staff": True},
    "superuser": {"is_superuser": True},
}


async def anything() -> dict[str, str]:
    """Answer whoever gets here."""
    return {}


@pytest.mark.parametrize(
    ("required", "statuses"),
    [
        (IsAdmin, [403, 200, 200]),
        (IsSuperuser, [403, 403, 200]),
        (role_with("users.read"), [403, 200, 200]),
    ],
)
def test_a_route_lets_in_whom_it_names(
    include: Open, make_user: MakeUser, login: Login, required: Any, statuses: list[int]
) -> None:
    """Admins may what roles may, and superusers may everything."""
    router = APIRouter()
    router.add_api_route("/guarded", anything, dependencies=[required])
    client = include(router)
    assert client.get("/guarded").status_code == 401
    people = [login(make_user(**fields)) for fields in PEOPLE.values()]
    assert [client.get("/guarded", headers=each).status_code for each in people] == statuses


def test_a_role_is_asked_for_at_every_request(
    include: Open, make_user: MakeUser, login: Login, execute: Execute
) -> None:
    """It opens what it gives and no more, and what is taken away is gone at once."""
    router = APIRouter()
    router.add_api_route("/read", anything, dependencies=[role_with("users.read")])
    router.add_api_route("/write", anything, dependencies=[role_with("users.write")])
    client, user = include(router), make_user()
    headers = login(user)

    def statuses() -> list[int]:
        return [client.get(path, headers=headers).status_code for path in ("/read", "/write")]

    assert statuses() == [403, 403]
    execute("INSERT INTO access_role_grant (user_id, role) VALUES (%s, 'support')", [user.id])
    assert statuses() == [200, 403]
    execute("UPDATE access_role_grant SET role = 'no_more' WHERE user_id = %s", [user.id])
    assert statuses() == [403, 403]


def test_a_thing_is_its_owner_s(include: Open, make_user: MakeUser, login: Login) -> None:
    """What only reads is told from what writes by the method, HEAD included."""
    router = APIRouter()

    @router.api_route("/things/{owner_id}", methods=["GET", "PATCH"])
    async def thing(request: Request, user: CurrentUser, owner_id: uuid.UUID) -> None:
        authorise(rules.owner_or_read_only, request, user, owner_id)

    client, owner = include(router), make_user()
    path = f"/things/{owner.id}"
    for who, writes in ((owner, 200), (make_user(), 403)):
        headers = login(who)
        assert client.get(path, headers=headers).status_code == 200
        assert client.head(path, headers=headers).status_code == 200
        assert client.patch(path, headers=headers).status_code == writes
