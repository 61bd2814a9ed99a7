"""Who may come in: registration, tokens, and one's own account."""

import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import httpx
import pytest

from tests.contract.conftest import Sql
from tests.contract.people import (
    ARTICLES,
    ME,
    PASSWORD,
    PROFILE,
    REGISTER,
    TOKEN,
    Person,
    Thing,
    comments_of,
    faults,
    made,
    place_of,
    token_of,
    unheard_of,
)
from tests.contract.test_http import assert_is_problem
from tests.harness.roles import Role

Newcomer = Callable[[], Person]
# PASSWORD under parameters that were weak ten years ago.
WEAK = "$argon2id$v=19$m=8,t=1,p=1$3AaUbKz3iJNBwWNFuIs4ew"
WEAK += "$s4CXI1wE3Y37bMYJRap3gBN5ZjjgWShti7ZHokO/RS4"


def test_an_address_is_the_same_in_any_case(guest: httpx.Client) -> None:
    """It is kept in lower case, registers once, and logs in however it is typed."""
    name = unheard_of()
    user = made(
        guest.post(REGISTER, json={"email": f"{name.upper()}@Example.ORG", "password": PASSWORD})
    )
    assert user["email"] == f"{name}@example.org"
    again = guest.post(REGISTER, json={"email": user["email"], "password": PASSWORD})
    assert_is_problem(again, 409, "email_taken")
    assert token_of(guest, f"{name.title()}@EXAMPLE.org")


def test_a_registration_tells_who_it_made_and_no_secret(guest: httpx.Client) -> None:
    """The answer has four keys, and the password is in none of them."""
    fields = {"email": f"{unheard_of()}@example.org", "password": PASSWORD, "full_name": " Ada Ü "}
    user = made(guest.post(REGISTER, json=fields))
    assert list(user) == ["id", "email", "full_name", "created_at"]
    assert user["full_name"] == "Ada Ü"
    assert str(uuid.UUID(user["id"])) == user["id"]


def test_two_registrations_at_once_make_one_user(guest: httpx.Client) -> None:
    """Whoever comes second is told so, and nobody gets a failure of ours."""
    for _ in range(3):
        fields = {"email": f"{unheard_of()}@example.org", "password": PASSWORD}
        together = Barrier(4)

        def register(fields: Thing = fields, together: Barrier = together) -> int:
            together.wait()
            return guest.post(REGISTER, json=fields).status_code

        with ThreadPoolExecutor(4) as pool:
            answers = [pool.submit(register) for _ in range(4)]
        assert Counter(answer.result() for answer in answers) == {201: 1, 409: 3}


def test_a_wrong_password_an_unknown_and_an_inactive_user_look_alike(
    api: Role, guest: httpx.Client, newcomer: Newcomer, sql: Sql
) -> None:
    """Nobody learns from a failed login who is registered, by its answer or by its time."""
    known, inactive = newcomer(), newcomer()
    sql("UPDATE accounts_user SET is_active = false WHERE id = %(id)s", id=inactive.id)
    attempts = {
        "wrong": {"email": known.email, "password": "wrong horse battery"},
        "unknown": {"email": f"{unheard_of()}@example.org", "password": PASSWORD},
        "inactive": {"email": inactive.email, "password": PASSWORD},
        "no address": {"email": "nobody", "password": ""},
    }
    first = {name: guest.post(TOKEN, json=fields) for name, fields in attempts.items()}
    for answer in first.values():
        assert_is_problem(answer, 401, "invalid_credentials")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers.keys() == first["wrong"].headers.keys()
        assert len(answer.content) == len(first["wrong"].content)
    # Work instead of time, which other programs on the machine would make longer.
    work = Counter[str]()
    for name, fields in list(attempts.items()) * 6:
        before = work_of(api)
        guest.post(TOKEN, json=fields)
        work[name] += work_of(api) - before
    assert min(work.values()) > max(work.values()) / 2 > 0, work


def work_of(role: Role) -> int:
    """Return how many ticks of a processor a service has used."""
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2] for pid in role.pids()]
    return sum(int(stat.split()[11]) + int(stat.split()[12]) for stat in stats)


def test_an_inactive_user_is_out_at_once(newcomer: Newcomer, sql: Sql) -> None:
    """A token that was good is so no longer."""
    person = newcomer()
    sql("UPDATE accounts_user SET is_active = false WHERE id = %(id)s", id=person.id)
    assert_is_problem(person.http.get(ME), 401, "invalid_token")


def test_passwords_are_kept_as_argon2id_and_renewed_at_login(
    guest: httpx.Client, newcomer: Newcomer, sql: Sql
) -> None:
    """A hash from days of weaker parameters becomes one of today."""
    person = newcomer()

    def stored() -> str:
        return str(sql("SELECT password FROM accounts_user WHERE id = %(id)s", id=person.id)[0][0])

    kind, mark, _ = stored().partition("$argon2id$")
    weak = kind + WEAK
    assert mark
    sql("UPDATE accounts_user SET password = %(weak)s WHERE id = %(id)s", weak=weak, id=person.id)
    assert token_of(guest, person.email)
    assert mark in stored()
    assert "m=8,t=1" not in stored()
    renewed = stored()
    assert token_of(guest, person.email)
    assert stored() == renewed


def test_a_login_is_remembered(guest: httpx.Client, newcomer: Newcomer, sql: Sql) -> None:
    """Whoever looks after the accounts sees when each was used."""
    person = newcomer()
    query = "SELECT last_login, now() - last_login < '10 s' FROM accounts_user WHERE id = %(id)s"
    [(first, _)] = sql(query, id=person.id)
    token_of(guest, person.email)
    [(last, recent)] = sql(query, id=person.id)
    assert recent
    assert last > first
    guest.post(TOKEN, json={"email": person.email, "password": "wrong horse battery"})
    assert sql(query, id=person.id) == [(last, True)]


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("x" * 11, "too_short"),
        ("correct horse " * 10, "too_long"),
        ("my-Password-9", "too_common"),
        ("aaaaaaaaaaaabbb", "too_common"),
    ],
)
def test_a_weak_password_is_refused(guest: httpx.Client, password: str, code: str) -> None:
    """Length counts, and what everybody tries first does not do."""
    fields = {"email": f"{unheard_of()}@example.org", "password": password}
    assert faults(guest.post(REGISTER, json=fields)) == {"#/password": code}


def test_a_password_is_taken_as_it_is(guest: httpx.Client) -> None:
    """Blanks at its ends and letters of any script are part of it."""
    fields = {"email": f"{unheard_of()}@example.org", "password": "  пароль из слов 🐎  "}
    made(guest.post(REGISTER, json=fields))
    assert token_of(guest, **fields)
    trimmed = fields | {"password": fields["password"].strip()}
    assert_is_problem(guest.post(TOKEN, json=trimmed), 401, "invalid_credentials")


def test_ones_own_name_can_be_changed(newcomer: Newcomer) -> None:
    """Nothing else can, and an empty change is none."""
    person = newcomer()
    before = person.http.get(ME).json()
    assert person.http.patch(ME, json={}).json() == before
    changed = person.http.patch(ME, json={"full_name": "Grace"})
    assert (changed.status_code, changed.json()) == (200, before | {"full_name": "Grace"})
    refused = person.http.patch(ME, json={"email": "x@example.org", "is_staff": True})
    assert faults(refused) == {"#/email": "unknown_field", "#/is_staff": "unknown_field"}
    assert person.http.patch(ME, json={"full_name": ""}).json()["full_name"] == ""


def test_who_leaves_leaves_the_comments(newcomer: Newcomer, author: Person, sql: Sql) -> None:
    """Articles keep their author here; comments stay without one, and the profile goes along."""
    person, article = newcomer(), author.write()
    comment = person.comment(article)
    own = person.write()
    assert person.http.put(PROFILE, json={"bio": "Here."}).status_code == 200
    assert_is_problem(person.http.delete(ME), 409, "in_use")
    assert person.http.get(ME).status_code == 200
    assert person.http.delete(place_of(own)).status_code == 204
    assert person.http.delete(ME).status_code == 204
    [left] = author.http.get(comments_of(article)).json()["results"]
    assert left == comment | {"author": None}
    assert sql("SELECT 1 FROM profiles_profile WHERE user_id = %(id)s", id=person.id) == []
    assert_is_problem(person.http.get(ARTICLES), 401, "invalid_token")


def test_public_routes_do_not_ask_who_it_is(guest: httpx.Client, newcomer: Newcomer) -> None:
    """A client whose token ran out can log in again although it still sends the token."""
    fields = {"email": newcomer().email, "password": PASSWORD}
    headers = {"Authorization": "Bearer old"}
    assert guest.post(TOKEN, json=fields, headers=headers).status_code == 200
    for path in ("/", "/api/config"):
        assert guest.get(path, headers=headers).status_code == 200
