"""Users as those see them who look after them: who may, roles, networks, and two commands."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.contract.conftest import Sql, Start
from tests.contract.people import (
    ME,
    NOBODY,
    PASSWORD,
    USERS,
    Person,
    Thing,
    bearer,
    done,
    faults,
    log_in,
    new_person,
    roles_of,
    unheard_of,
    user_of,
)
from tests.contract.test_http import assert_is_problem
from tests.contract.test_tokens import assert_is_dead, is_in
from tests.harness.roles import Role, new_client
from tests.harness.servers import Servers

Newcomer = Callable[[], Person]
Ways = list[tuple[str, str, Thing | None]]
REFUSED = 78
KEYS = ["id", "email", "full_name", "is_active", "roles", "created_at"]


@pytest.fixture(scope="module")
def support(newcomer: Newcomer, admin: Person) -> Person:
    """Return somebody who may look at users."""
    person = newcomer()
    done(admin.http.put(roles_of(person), json={"roles": ["support"]}))
    return person


def ask(http: httpx.Client, what: str, person: Person) -> httpx.Response:
    """Do something with a user that leaves the user as before."""
    if what == "read":
        return http.get(user_of(person))
    if what == "change":
        return http.patch(user_of(person), json={"is_active": True})
    return http.put(roles_of(person), json={"roles": []})


ADMINS, READERS = {"admin", "superuser"}, {"support", "admin", "superuser"}


@pytest.mark.parametrize(
    ("what", "target", "may"),
    [
        ("read", "user", READERS),
        ("change", "user", ADMINS),
        ("grant", "user", ADMINS),
        ("read", "superuser", READERS),
        ("change", "superuser", {"superuser"}),
        ("grant", "superuser", {"superuser"}),
        ("change", "admin", ADMINS),
        ("grant", "admin", ADMINS),
    ],
)
def test_users_are_looked_after_by_those_who_may(
    guest: httpx.Client,
    reader: Person,
    support: Person,
    admin: Person,
    superuser: Person,
    newcomer: Newcomer,
    sql: Sql,
    what: str,
    target: str,
    may: set[str],
) -> None:
    """Strangers are asked who they are, users see not even themselves here."""
    person = newcomer()
    columns = {"admin": "is_staff", "superuser": "is_superuser"}
    if column := columns.get(target):
        change = f"UPDATE accounts_user SET {column} = true WHERE id = %(id)s"  # noqa: S608
        sql(change, id=person.id)
    known = {"user": reader, "support": support, "admin": admin, "superuser": superuser}
    people = known | ({"oneself": person} if target == "user" else {})
    assert_is_problem(ask(guest, what, person), 401, "not_authenticated")
    for name, who in people.items():
        answer = ask(who.http, what, person)
        if name in may:
            assert list(done(answer)) == KEYS
        else:
            assert_is_problem(answer, 403, "forbidden")


def test_a_user_is_shown_as_it_is(support: Person, newcomer: Newcomer, sql: Sql) -> None:
    """With its roles in order, no secret, and for nobody to keep."""
    person = newcomer()
    for role in ("support", "auditor"):  # a role that is no more is shown, and gives nothing
        grant = "INSERT INTO access_role_grant (id, user_id, role, created_at)"
        grant += " VALUES (gen_random_uuid(), %(id)s, %(role)s, now())"
        sql(grant, id=person.id, role=role)
    answer = support.http.get(user_of(person))
    me = person.http.get(ME).json()
    expected = {"is_active": True, "roles": ["auditor", "support"]}
    assert done(answer) == me | expected
    assert list(answer.json()) == KEYS
    assert answer.headers["Cache-Control"] == "no-store"
    assert support.http.head(user_of(person)).status_code == 200


def test_a_role_counts_at_once(newcomer: Newcomer, admin: Person, guest: httpx.Client) -> None:
    """Given, it opens in the next request; taken, it closes, and the user's tokens end."""
    person, other = newcomer(), newcomer()
    path = user_of(other)
    assert_is_problem(person.http.get(path), 403, "forbidden")
    for _ in range(2):  # to give it again changes nothing
        granted = admin.http.put(roles_of(person), json={"roles": ["support"]})
        assert done(granted)["roles"] == ["support"]
        assert done(person.http.get(path))["id"] == other.id
    assert is_in(guest, person.tokens)
    taken = admin.http.put(roles_of(person), json={"roles": []})
    assert done(taken)["roles"] == []
    assert_is_dead(guest, person.tokens)
    token = log_in(guest, person.email)["access_token"]
    assert_is_problem(guest.get(path, headers=bearer(token)), 403, "forbidden")
    done(admin.http.put(roles_of(person), json={"roles": []}))
    assert guest.get(ME, headers=bearer(token)).status_code == 200
    assert is_in(guest, other.tokens)


def test_a_role_that_is_no_more_gives_nothing(newcomer: Newcomer, sql: Sql) -> None:
    """A row of a role that no code knows is no permission."""
    person = newcomer()
    grant = "INSERT INTO access_role_grant (id, user_id, role, created_at)"
    grant += " VALUES (gen_random_uuid(), %(id)s, 'users.read', now())"
    sql(grant, id=person.id)
    assert_is_problem(person.http.get(user_of(person)), 403, "forbidden")


def test_a_grant_in_the_database_counts_at_once(newcomer: Newcomer, sql: Sql) -> None:
    """No process remembers who has which role."""
    person = newcomer()
    grant = "INSERT INTO access_role_grant (id, user_id, role, created_at)"
    grant += " VALUES (gen_random_uuid(), %(id)s, 'support', now())"
    sql(grant, id=person.id)
    assert done(person.http.get(user_of(person)))["roles"] == ["support"]
    sql("DELETE FROM access_role_grant WHERE user_id = %(id)s", id=person.id)
    assert_is_problem(person.http.get(user_of(person)), 403, "forbidden")


BAD_ROLES: list[tuple[object, dict[str, str]]] = [
    ({"roles": ["king"]}, {"#/roles/0": "invalid_choice"}),
    ({"roles": ["support", "king"]}, {"#/roles/1": "invalid_choice"}),
    ({"roles": ["Support"]}, {"#/roles/0": "invalid_choice"}),
    ({"roles": ["users.read"]}, {"#/roles/0": "invalid_choice"}),
    ({"roles": ["support", "support"]}, {"#/roles/1": "duplicate"}),
    ({"roles": [1]}, {"#/roles/0": "invalid_type"}),
    ({"roles": "support"}, {"#/roles": "invalid_type"}),
    ({"roles": None}, {"#/roles": "invalid_type"}),
    ({}, {"#/roles": "required"}),
    ({"roles": [], "role": "support"}, {"#/role": "unknown_field"}),
]


@pytest.mark.parametrize(("body", "expected"), BAD_ROLES, ids=str)
def test_roles_that_cannot_be_are_named(
    admin: Person, newcomer: Newcomer, guest: httpx.Client, body: object, expected: dict[str, str]
) -> None:
    """Each by its place, and the user keeps those of before."""
    person = newcomer()
    done(admin.http.put(roles_of(person), json={"roles": ["support"]}))
    assert faults(admin.http.put(roles_of(person), json=body)) == expected
    assert done(admin.http.get(user_of(person)))["roles"] == ["support"]
    assert is_in(guest, person.tokens)


BAD_CHANGES: list[tuple[Thing, dict[str, str]]] = [
    ({"is_active": "no"}, {"#/is_active": "invalid_type"}),
    ({"is_active": 0}, {"#/is_active": "invalid_type"}),
    ({"is_active": None}, {"#/is_active": "invalid_type"}),
    (
        {"email": "x@example.org", "is_staff": True},
        {"#/email": "unknown_field"} | {"#/is_staff": "unknown_field"},
    ),
]


@pytest.mark.parametrize(("body", "expected"), BAD_CHANGES, ids=str)
def test_a_change_that_cannot_be_is_refused(
    admin: Person, author: Person, body: Thing, expected: dict[str, str]
) -> None:
    """A flag is true or false and nothing like it."""
    before = done(admin.http.get(user_of(author)))
    assert faults(admin.http.patch(user_of(author), json=body)) == expected
    assert done(admin.http.get(user_of(author))) == before


@pytest.mark.parametrize("user_id", [NOBODY, "x", NOBODY.replace("-", "")])
def test_a_user_that_is_not_there_is_not_found(admin: Person, reader: Person, user_id: str) -> None:
    """For those who may; all others do not learn who is there."""
    path = f"{USERS}/{user_id}"
    ways: Ways = [("GET", path, None), ("PATCH", path, {"is_active": True})]
    ways.append(("PUT", f"{path}/roles", {"roles": []}))
    for method, place, body in ways:
        answer = admin.http.request(method, place, json=body)
        assert_is_problem(answer, 404, "not_found")
        if user_id == NOBODY:
            answer = reader.http.request(method, place, json=body)
            assert_is_problem(answer, 403, "forbidden")


# Networks ----------------------------------------------------------------------------------------

INSIDE, OUTSIDE = "203.0.113.9", "198.51.100.1"


def test_users_are_looked_after_from_networks_that_are_named(
    start: Start, servers: Servers
) -> None:
    """To all others these routes are not there, whoever asks; the proxy says where one is."""
    changes = {"ADMIN_NETWORKS": "203.0.113.0/24,2001:db8::/32"}
    behind, alone = [
        start("web", **changes, **more).wait_until_it_serves()
        for more in ({"TRUSTED_PROXIES": "127.0.0.1"}, {})
    ]
    admin, other = new_person(behind.url), new_person(behind.url)
    servers.sql("UPDATE accounts_user SET is_staff = true WHERE id = %(id)s", id=admin.id)
    ways: Ways = [
        ("GET", user_of(other), None),
        ("PATCH", user_of(other), {"is_active": True}),
        ("PATCH", user_of(other), {"is_active": "x"}),
        ("PUT", roles_of(other), {"roles": []}),
        ("DELETE", user_of(other), None),
        ("GET", f"{USERS}/{NOBODY}", None),
    ]

    def answers(web: Role, who: dict[str, str], *hops: str) -> list[httpx.Response]:
        headers = who | ({"X-Forwarded-For": ", ".join(hops)} if hops else {})
        with new_client(web.url, headers=headers) as http:
            return [http.request(method, path, json=body) for method, path, body in ways]

    known = bearer(admin.tokens["access_token"])
    for who in ({}, bearer("x.y.z"), bearer(other.tokens["access_token"]), known):
        for web, hops in (
            (behind, []),
            (behind, [OUTSIDE]),
            (behind, [INSIDE, OUTSIDE]),  # what the client says of itself
            (behind, [INSIDE, "nonsense"]),
            (alone, []),
            (alone, [INSIDE]),  # from whom nobody trusts
        ):
            for answer in answers(web, who, *hops):
                assert_is_problem(answer, 404, "not_found")
    for hops in ([INSIDE], [OUTSIDE, INSIDE], [f"{INSIDE}:4711"], ["2001:db8::7"]):
        codes = [answer.status_code for answer in answers(behind, known, *hops)]
        assert codes == [200, 200, 422, 200, 405, 404]
    codes = [answer.status_code for answer in answers(behind, {}, INSIDE)]
    assert codes[:4] == [401] * 4
    with new_client(alone.url, headers=known) as http:
        assert http.get(ME).status_code == 200
    assert [behind.stop(), alone.stop()] == [0, 0]


# Commands ----------------------------------------------------------------------------------------


def users(servers: Servers, email: str) -> list[tuple[object, ...]]:
    """Return what the database has of an address."""
    query = "SELECT id, password, is_active, is_staff, is_superuser FROM accounts_user"
    return servers.sql(f"{query} WHERE email = %(email)s", email=email)


def test_the_first_superuser_is_made_once(
    start: Start, servers: Servers, web: Role, tmp_path: Path
) -> None:
    """A release may run the command each time; nobody's password is overwritten by it."""
    email = f"{unheard_of()}@example.org"
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    first = start(
        *("manage", "createfirstsuperuser"),
        SUPERUSER_EMAIL=email.upper(),
        SUPERUSER_PASSWORD_FILE=str(file),
    )
    assert first.wait() == 0, first.text
    [made] = users(servers, email)
    assert made[2] is True
    assert made[4] is True
    again = start(
        *("manage", "createfirstsuperuser"),
        SUPERUSER_EMAIL=email,
        SUPERUSER_PASSWORD="another horse staple",
    )
    assert again.wait() == 0, again.text
    assert users(servers, email) == [made]
    assert [len(role.find("superuser_created")) for role in (first, again)] == [1, 0]
    assert PASSWORD not in first.text
    assert "another horse" not in again.text
    with new_client(web.url) as guest:
        token = log_in(guest, email)["access_token"]
        found = guest.get(f"{USERS}/{made[0]}", headers=bearer(token))
        assert done(found)["email"] == email


def test_a_user_who_is_there_is_not_lifted_up(start: Start, servers: Servers, web: Role) -> None:
    """Whoever registered the address first does not become a superuser by it."""
    person = new_person(web.url)
    before = users(servers, person.email)
    role = start(
        *("manage", "createfirstsuperuser"),
        SUPERUSER_EMAIL=person.email,
        SUPERUSER_PASSWORD="another horse staple",
    )
    assert role.wait() == 0, role.text
    assert users(servers, person.email) == before


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"SUPERUSER_PASSWORD": "Kq93-uzA"}, 1, "SUPERUSER_PASSWORD"),
        ({"SUPERUSER_PASSWORD": "my-Password-9"}, 1, "SUPERUSER_PASSWORD"),
        ({"SUPERUSER_PASSWORD": None}, REFUSED, "SUPERUSER_PASSWORD"),
        ({"SUPERUSER_EMAIL": None}, REFUSED, "SUPERUSER_EMAIL"),
        ({"SUPERUSER_EMAIL": None, "SUPERUSER_PASSWORD": None}, 1, "SUPERUSER_EMAIL"),
        ({"SUPERUSER_EMAIL": "nobody"}, REFUSED, "SUPERUSER_EMAIL"),
    ],
    ids=str,
)
def test_a_superuser_who_cannot_be_is_not_made(
    start: Start, servers: Servers, changes: dict[str, str | None], code: int, reason: str
) -> None:
    """The reason is told, the password is not."""
    given: dict[str, str | None]
    given = {"SUPERUSER_EMAIL": f"{unheard_of()}@example.org", "SUPERUSER_PASSWORD": PASSWORD}
    given |= changes
    everybody = "SELECT count(*) FROM accounts_user"
    before = servers.sql(everybody)
    role = start("manage", "createfirstsuperuser", **given)
    assert role.wait() == code
    assert reason in role.text
    assert "Traceback" not in role.text
    assert not (password := given["SUPERUSER_PASSWORD"]) or password not in role.text
    assert servers.sql(everybody) == before


def test_a_purge_deletes_what_expired(start: Start, servers: Servers, web: Role) -> None:
    """A login that somebody ended is kept until then, so that its tokens stay refused."""
    people = [new_person(web.url) for _ in range(3)]
    expired, revoked, good = people
    past = "expires_at = now() - interval '1 h'"
    for person, change in ((expired, past), (revoked, "revoked_at = now()")):
        statement = f"UPDATE access_token_family SET {change} WHERE user_id = %(id)s"  # noqa: S608
        servers.sql(statement, id=person.id)

    def left() -> list[int]:
        query = "SELECT count(*) FROM access_token_family WHERE user_id = %(id)s"
        return [servers.sql(query, id=person.id)[0][0] for person in people]

    for count in (1, 0):
        role = start("manage", "purgetokens")
        assert role.wait() == 0, role.text
        assert left() == [0, 1, 1]
        assert str(count) in role.text
    with new_client(web.url) as guest:
        assert_is_dead(guest, expired.tokens, revoked.tokens)
        assert is_in(guest, good.tokens)
