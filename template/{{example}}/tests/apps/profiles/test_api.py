"""The profile over HTTP: one a user, one's own."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.apps.profiles.factories import ProfileFactory
from tests.support import Client, Execute, Login, Make, MakeUser, faults, refusal

pytestmark = pytest.mark.integration

PROFILE = "/api/v1/profiles/me"
EMPTY = {"bio": "", "website": "", "updated_at": None}


@pytest.fixture
def headers(make_user: MakeUser, login: Login) -> dict[str, str]:
    """Return the headers of a user without a profile."""
    return login(make_user())


def test_nobody_has_to_write_one(data_client: Client, headers: dict[str, str]) -> None:
    """Until then it is empty."""
    answer = data_client.get(PROFILE, headers=headers)
    assert answer.status_code == 200
    assert list(answer.json().items()) == list(EMPTY.items())


def test_a_profile_is_written_and_replaced(
    data_client: Client, headers: dict[str, str], execute: Execute
) -> None:
    """As a whole: what is left out is empty again; there is never a second one."""
    full = {"bio": " I count. ", "website": "https://example.org/~ada?x=1#top"}
    written = data_client.put(PROFILE, json=full, headers=headers)
    assert written.status_code == 200
    profile = written.json()
    assert list(profile) == ["bio", "website", "updated_at"]
    assert (profile["bio"], profile["website"]) == ("I count.", full["website"])
    updated_at = datetime.fromisoformat(profile["updated_at"])
    assert abs(updated_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert data_client.get(PROFILE, headers=headers).json() == profile
    replaced = data_client.put(PROFILE, json={"bio": "x"}, headers=headers).json()
    assert (replaced["bio"], replaced["website"]) == ("x", "")
    assert replaced["updated_at"] > profile["updated_at"]
    assert data_client.put(PROFILE, json={}, headers=headers).json()["bio"] == ""
    assert execute("SELECT count(*) FROM profiles_profile") == [(1,)]


@pytest.mark.security
def test_a_bad_profile(
    data_client: Client, headers: dict[str, str], subtests: pytest.Subtests
) -> None:
    """An address that runs something is none."""
    bad: list[tuple[object, dict[str, str]]] = [
        (None, {"#": "required"}),
        ({"bio": "x" * 2001}, {"#/bio": "too_long"}),
        ({"bio": None, "website": 1}, {"#/bio": "invalid_type", "#/website": "invalid_type"}),
        ({"bio": "\x00"}, {"#/bio": "invalid_characters"}),
        ({"website": "example.org"}, {"#/website": "invalid_format"}),
        ({"website": "javascript:alert(1)"}, {"#/website": "invalid_format"}),
        ({"website": "ftp://example.org"}, {"#/website": "invalid_format"}),
        ({"website": f"https://example.org/{'x' * 200}"}, {"#/website": "too_long"}),
        ({"user_id": "x"}, {"#/user_id": "unknown_field"}),
    ]
    for body, expected in bad:
        with subtests.test(body=body):
            assert faults(data_client.put(PROFILE, json=body, headers=headers)) == expected
    assert data_client.get(PROFILE, headers=headers).json() == EMPTY


@pytest.mark.security
def test_everybody_has_their_own(
    data_client: Client, make_user: MakeUser, login: Login, make: Make
) -> None:
    """Nobody sees or changes another's."""
    ada, bob = make_user(), make_user()
    make(ProfileFactory, user=ada, bio="I count.")
    data_client.put(PROFILE, json={"bio": "I build."}, headers=login(bob))
    assert data_client.get(PROFILE, headers=login(ada)).json()["bio"] == "I count."
    refusal(data_client.get(PROFILE), 401, "not_authenticated")


def test_a_profile_goes_with_its_user(
    data_client: Client, make_user: MakeUser, login: Login, make: Make, execute: Execute
) -> None:
    """It is nobody else's."""
    user = make_user()
    make(ProfileFactory, user=user)
    assert data_client.delete("/api/v1/users/me", headers=login(user)).status_code == 204
    assert execute("SELECT count(*) FROM profiles_profile") == [(0,)]
