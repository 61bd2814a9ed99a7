"""Users over HTTP: register, get a token, look after oneself."""

import logging
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import argon2
import pytest
from structlog.testing import capture_logs

from accounts import tokens
from tests.support import (
    PASSWORD,
    Client,
    Execute,
    Login,
    MakeUser,
    Person,
    Response,
    faults,
    refusal,
)

pytestmark = pytest.mark.integration

REGISTER, TOKEN, ME = "/api/v1/auth/register", "/api/v1/auth/token", "/api/v1/users/me"
EMAIL = "ada@example.org"
INVALID = 'Bearer error="invalid_token"'


def register(client: Client, **changes: object) -> Response:
    return client.post(REGISTER, json={"email": EMAIL, "password": PASSWORD} | changes)


def log_in(client: Client, email: str, password: str = PASSWORD) -> Response:
    return client.post(TOKEN, json={"email": email, "password": password})


def stored_hash(execute: Execute, email: str = EMAIL) -> str:
    ((found,),) = execute("SELECT password FROM accounts_user WHERE email = %s", [email])
    return str(found)


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with every hash that is computed."""
    computed: list[str] = []

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def note(*arguments: Any, **options: Any) -> Any:
            computed.append(name)
            return function(*arguments, **options)

        return note

    for module in (argon2.low_level, argon2._password_hasher):
        for name in ("hash_secret", "verify_secret"):
            monkeypatch.setattr(module, name, noting(name, getattr(module, name)))
    return computed


def test_somebody_registers(data_client: Client) -> None:
    """The answer is the user, without the password, and says where to find it."""
    before = datetime.now(UTC) - timedelta(seconds=5)
    answer = register(data_client, email="Ada@Example.ORG", full_name=" Ada Lovelace ")
    assert answer.status_code == 201
    assert answer.headers["Location"] == ME
    assert answer.headers["Cache-Control"] == "no-store"
    user = answer.json()
    assert list(user) == ["id", "email", "full_name", "created_at"]
    assert (user["email"], user["full_name"]) == (EMAIL, "Ada Lovelace")
    assert str(uuid.UUID(user["id"])) == user["id"]
    assert user["created_at"].endswith("Z")
    assert before < datetime.fromisoformat(user["created_at"]) < before + timedelta(minutes=1)


@pytest.mark.security
@pytest.mark.parametrize("email", [EMAIL, "ADA@example.org"])
def test_an_address_is_taken_once(data_client: Client, email: str) -> None:
    """In whatever case it comes the second time."""
    assert register(data_client).status_code == 201
    refusal(register(data_client, email=email), 409, "email_taken")


BAD_REGISTRATIONS: list[tuple[object, dict[str, str]]] = [
    (None, {"#": "required"}),
    ([], {"#": "invalid_type"}),
    ("ada", {"#": "invalid_type"}),
    ({}, {"#/email": "required", "#/password": "required"}),
    ({"email": "ada", "password": PASSWORD}, {"#/email": "invalid_format"}),
    ({"email": 1, "password": None}, {"#/email": "invalid_type", "#/password": "invalid_type"}),
    ({"email": EMAIL, "password": "short"}, {"#/password": "too_short"}),
    ({"email": EMAIL, "password": "x1y2z" * 26}, {"#/password": "too_long"}),
    ({"email": EMAIL, "password": "ada-password"}, {"#/password": "too_common"}),
    ({"email": EMAIL, "password": f"{PASSWORD}\x00"}, {"#/password": "invalid_characters"}),
    (
        {"email": EMAIL, "password": PASSWORD, "full_name": "x" * 151},
        {"#/full_name": "too_long"},
    ),
    (
        {"email": EMAIL, "password": PASSWORD, "is_staff": True, "id": str(uuid.uuid4())},
        {"#/id": "unknown_field", "#/is_staff": "unknown_field"},
    ),
]


def test_a_bad_registration(
    data_client: Client, execute: Execute, subtests: pytest.Subtests
) -> None:
    """Each fault has its place and its code, all at once, and nobody is stored."""
    for body, expected in BAD_REGISTRATIONS:
        with subtests.test(body=body):
            assert faults(data_client.post(REGISTER, json=body)) == expected
    assert execute("SELECT count(*) FROM accounts_user") == [(0,)]


@pytest.mark.security
def test_a_password_is_kept_as_an_argon2id_hash(data_client: Client, execute: Execute) -> None:
    """Blanks around it are part of it."""
    register(data_client, password=f" {PASSWORD} ")
    stored = stored_hash(execute)
    assert stored.removeprefix("argon2").startswith("$argon2id$")
    assert PASSWORD not in stored
    refusal(log_in(data_client, EMAIL), 401, "invalid_credentials")
    assert log_in(data_client, EMAIL, f" {PASSWORD} ").status_code == 200


@pytest.mark.security
def test_an_old_hash_is_renewed_at_the_next_login(
    data_client: Client, make_user: MakeUser, execute: Execute
) -> None:
    """By the right password only; the new one has the parameters of today."""
    user = make_user()
    today = stored_hash(execute, user.email)
    old = argon2.PasswordHasher(time_cost=2, memory_cost=24, parallelism=3).hash(PASSWORD)
    prefix, parameters = today.partition("$")[0], today.split("$")[:-2]
    execute("UPDATE accounts_user SET password = %s WHERE email = %s", [prefix + old, user.email])
    refusal(log_in(data_client, user.email, "wrong horse battery"), 401, "invalid_credentials")
    assert stored_hash(execute, user.email) == prefix + old
    assert log_in(data_client, user.email).status_code == 200
    renewed = stored_hash(execute, user.email)
    assert renewed.split("$")[:-2] == parameters
    assert log_in(data_client, user.email).status_code == 200
    assert stored_hash(execute, user.email) == renewed


def test_a_token_is_given(data_client: Client, make_user: MakeUser, execute: Execute) -> None:
    """For address and password, however the address is written; the login is dated."""
    user = make_user()
    answer = log_in(data_client, user.email.upper())
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    lifetimes = ["expires_in", "refresh_token", "refresh_expires_in"]
    assert list(body) == ["access_token", "token_type", *lifetimes]
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 300)
    claims = tokens.read(f"Bearer {body['access_token']}")
    assert claims
    assert claims.user_id == user.id
    query = "SELECT last_login > now() - interval '1 minute' FROM accounts_user WHERE id = %s"
    assert execute(query, [user.id]) == [(True,)]


@pytest.mark.security
def test_nobody_learns_who_has_an_account(
    data_client: Client, make_user: MakeUser, hashes: list[str]
) -> None:
    """Unknown, wrong and inactive have one answer, and cost one hash each."""
    known, inactive = make_user(), make_user(is_active=False)
    attempts = [
        ("nobody@example.org", PASSWORD),
        ("no address at all", PASSWORD),
        ("", PASSWORD),
        (known.email, "wrong horse battery"),
        (known.email, ""),
        (inactive.email, PASSWORD),
        (inactive.email, "wrong horse battery"),
    ]
    answers = []
    for email, password in attempts:
        hashes.clear()
        answer = refusal(log_in(data_client, email, password), 401, "invalid_credentials")
        assert len(hashes) == 1, (email, password, hashes)
        body = answer.json()
        del body["request_id"]
        names = sorted(name.lower() for name in answer.headers)
        answers.append((body, names, answer.headers["WWW-Authenticate"]))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][2] == "Bearer"


BAD_LOGINS: list[tuple[object, dict[str, str]]] = [
    (None, {"#": "required"}),
    ({"email": EMAIL}, {"#/password": "required"}),
    ({"email": None, "password": 1}, {"#/email": "invalid_type", "#/password": "invalid_type"}),
    (
        {"email": "x" * 255, "password": "x" * 129},
        {"#/email": "too_long", "#/password": "too_long"},
    ),
    (
        {"email": "\x00", "password": f"{PASSWORD}\x00"},
        {"#/email": "invalid_characters", "#/password": "invalid_characters"},
    ),
    ({"email": EMAIL, "password": "x", "scope": "*"}, {"#/scope": "unknown_field"}),
]


def test_a_bad_login(data_client: Client, subtests: pytest.Subtests) -> None:
    """Types and lengths are checked, what an address looks like is not."""
    for body, expected in BAD_LOGINS:
        with subtests.test(body=body):
            assert faults(data_client.post(TOKEN, json=body)) == expected


@pytest.mark.security
@pytest.mark.parametrize(
    ("header", "code", "challenge"),
    [
        (None, "not_authenticated", "Bearer"),
        ("Bearer nonsense", "invalid_token", INVALID),
        ("Basic YWRhOnBhc3N3b3Jk", "invalid_token", INVALID),
        ("", "invalid_token", INVALID),
    ],
)
def test_nobody_is_somebody(
    data_client: Client, header: str | None, code: str, challenge: str
) -> None:
    """Without a token, and with something that is none."""
    headers = {} if header is None else {"Authorization": header}
    for method in ("get", "patch", "delete"):
        answer = refusal(getattr(data_client, method)(ME, headers=headers), 401, code)
        assert answer.headers["WWW-Authenticate"] == challenge
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.security
def test_a_token_ends_with_its_user(
    data_client: Client, make_user: MakeUser, login: Login, execute: Execute
) -> None:
    """Whoever is deactivated is out at once, however long the token is good for."""
    headers = login(user := make_user())
    assert data_client.get(ME, headers=headers).status_code == 200
    execute("UPDATE accounts_user SET is_active = false WHERE id = %s", [user.id])
    refusal(data_client.get(ME, headers=headers), 401, "invalid_token")


@pytest.mark.security
def test_public_routes_do_not_look_at_a_token(data_client: Client) -> None:
    """A client with an old token can still get a new one."""
    headers = {"Authorization": "Bearer nonsense"}
    body = {"email": EMAIL, "password": PASSWORD}
    assert data_client.post(REGISTER, json=body, headers=headers).status_code == 201
    assert data_client.post(TOKEN, json=body, headers=headers).status_code == 200


BAD_CHANGES: list[tuple[object, dict[str, str]]] = [
    ({"full_name": None}, {"#/full_name": "invalid_type"}),
    ({"full_name": 1}, {"#/full_name": "invalid_type"}),
    ({"full_name": "x" * 151}, {"#/full_name": "too_long"}),
    ({"full_name": "a\x00b"}, {"#/full_name": "invalid_characters"}),
    (
        {"email": "eve@example.org", "is_superuser": True, "password": PASSWORD},
        {
            "#/email": "unknown_field",
            "#/is_superuser": "unknown_field",
            "#/password": "unknown_field",
        },
    ),
]


@pytest.mark.security
def test_a_bad_change(
    data_client: Client, make_user: MakeUser, login: Login, subtests: pytest.Subtests
) -> None:
    """What is not the user's to write is refused, not ignored."""
    headers = login(make_user(full_name="Ada"))
    for body, expected in BAD_CHANGES:
        with subtests.test(body=body):
            assert faults(data_client.patch(ME, json=body, headers=headers)) == expected
    assert data_client.get(ME, headers=headers).json()["full_name"] == "Ada"


def test_a_change_concerns_nobody_else(
    data_client: Client, make_user: MakeUser, login: Login
) -> None:
    """An empty change is fine, and so is an empty name."""
    ada, bob = login(make_user(full_name="Ada")), login(make_user(full_name="Bob"))
    assert data_client.patch(ME, json={}, headers=ada).json()["full_name"] == "Ada"
    assert data_client.patch(ME, json={"full_name": ""}, headers=ada).json()["full_name"] == ""
    assert data_client.get(ME, headers=bob).json()["full_name"] == "Bob"
    assert data_client.delete(ME, headers=ada).status_code == 204
    assert data_client.get(ME, headers=bob).status_code == 200


@pytest.mark.security
def test_nothing_secret_is_logged(
    data_client: Client, execute: Execute, caplog: pytest.LogCaptureFixture
) -> None:
    """No password, no token, no hash and no address, whether it goes well or not."""
    caplog.set_level(logging.DEBUG)
    with capture_logs() as said:
        register(data_client)
        register(data_client)
        token = log_in(data_client, EMAIL).json()["access_token"]
        log_in(data_client, EMAIL, "wrong horse battery")
        log_in(data_client, EMAIL, "wrong horse\x00battery")
        data_client.get(ME, headers={"Authorization": f"Bearer {token}"})
        data_client.get(ME, headers={"Authorization": f"Bearer {token}x"})
    assert said
    text = f"{said} {caplog.text}"
    for secret in (PASSWORD, "wrong horse", token, stored_hash(execute), EMAIL):
        assert secret not in text


def test_the_moment_of_a_user_has_six_digits(
    data_client: Client, make_user: MakeUser, login: Login
) -> None:
    """Also where they are noughts, so that texts of moments can be compared."""
    user: Person = make_user(created_at=datetime(2026, 11, 20, 8, tzinfo=UTC))
    created_at = data_client.get(ME, headers=login(user)).json()["created_at"]
    assert created_at == "2026-11-20T08:00:00.000000Z"


@pytest.mark.security
def test_a_superuser_is_out_of_reach_of_admins(
    data_client: Client, make_user: MakeUser, login: Login
) -> None:
    """Who could shut one out or give it roles would be above it; another superuser may."""
    account = f"/api/v1/users/{make_user(is_superuser=True).id}"
    admin, above = login(make_user(is_staff=True)), login(make_user(is_superuser=True))
    for who, status in ((admin, 403), (above, 200)):
        roles = data_client.put(f"{account}/roles", json={"roles": []}, headers=who)
        assert roles.status_code == status
        inactive = data_client.patch(account, json={"is_active": False}, headers=who)
        assert inactive.status_code == status
