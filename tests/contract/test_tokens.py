"""Tokens: what they say, how long they are good, what ends them, and what is none of ours."""

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import Any

import httpx
import pytest
import redis

from tests.contract.conftest import Sql, Start
from tests.contract.people import (
    CHANGE_PASSWORD,
    ME,
    PASSWORD,
    REFRESH,
    REVOKE,
    TOKEN,
    TOKEN_KEYS,
    Person,
    Thing,
    bearer,
    comments_of,
    done,
    faults,
    log_in,
    new_person,
    user_of,
)
from tests.contract.test_golden import FILE, told
from tests.contract.test_http import assert_is_problem
from tests.harness.projects import Project
from tests.harness.roles import Role, free_port, new_client
from tests.harness.servers import Servers

Newcomer = Callable[[], Person]
OTHER_PASSWORD = "another horse staple"


def refresh(client: httpx.Client, token: object) -> httpx.Response:
    """Ask for new tokens."""
    return client.post(REFRESH, json={"refresh_token": token})


def is_in(client: httpx.Client, tokens: Thing) -> bool:
    """Return whether an access token is good."""
    answer = client.get(ME, headers=bearer(tokens["access_token"]))
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


def assert_is_refused(answer: httpx.Response) -> None:
    """Check the answer to a bad token: the same for each, which tells nothing about it."""
    assert_is_problem(answer, 401, "invalid_token")
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    golden = json.loads(FILE.read_text())["a token that is none"]
    assert told(answer.status_code, answer.headers, answer.text) == golden


def assert_is_dead(client: httpx.Client, *families: Thing) -> None:
    """Check that neither token of each login is good."""
    for tokens in families:
        assert_is_refused(client.get(ME, headers=bearer(tokens["access_token"])))
        assert_is_refused(refresh(client, tokens["refresh_token"]))


# The life of a family ---------------------------------------------------------------------------


def test_a_login_gives_two_tokens_and_their_lifetimes(guest: httpx.Client, author: Person) -> None:
    """Nobody keeps the answer, and each login has tokens of its own."""
    answer = guest.post(TOKEN, json={"email": author.email, "password": PASSWORD})
    tokens = done(answer)
    assert list(tokens) == TOKEN_KEYS
    assert (tokens["token_type"], tokens["refresh_expires_in"]) == ("Bearer", 86_400)
    assert answer.headers["Cache-Control"] == "no-store"
    other = log_in(guest, author.email)
    assert len({each[key] for each in (tokens, other) for key in TOKEN_KEYS[0:4:3]}) == 4


def test_a_refresh_gives_new_tokens_and_keeps_the_old_access(
    guest: httpx.Client, newcomer: Newcomer, sql: Sql
) -> None:
    """Requests that are under way need not come again; one login is one family."""
    person = newcomer()
    chain = [person.tokens]
    for _ in range(3):
        answer = refresh(guest, chain[-1]["refresh_token"])
        chain.append(done(answer))
        assert list(chain[-1]) == TOKEN_KEYS
        assert answer.headers["Cache-Control"] == "no-store"
    assert len({tokens["refresh_token"] for tokens in chain}) == 4
    assert [is_in(guest, tokens) for tokens in chain] == [True] * 4
    families = "SELECT count(*) FROM access_token_family WHERE user_id = %(id)s"
    assert sql(families, id=person.id) == [(1,)]


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_refresh_token_that_comes_again_ends_its_family(
    guest: httpx.Client, newcomer: Newcomer, step: int
) -> None:
    """It was stolen, or its copy was: whoever has the newest tokens is out at once."""
    person = newcomer()
    other = log_in(guest, person.email)
    chain = [person.tokens]
    for _ in range(3):
        chain.append(done(refresh(guest, chain[-1]["refresh_token"])))
    assert_is_refused(refresh(guest, chain[step]["refresh_token"]))
    assert_is_dead(guest, *chain)
    assert is_in(guest, other)
    assert done(refresh(guest, other["refresh_token"]))


def test_a_dead_family_stays_dead(start: Start, servers: Servers) -> None:
    """Neither a restart nor an empty Redis brings it back."""
    web = start("web").wait_until_it_serves()
    person = new_person(web.url)
    with new_client(web.url) as guest:
        newest = done(refresh(guest, person.tokens["refresh_token"]))
        other = log_in(guest, person.email)
        assert_is_refused(refresh(guest, person.tokens["refresh_token"]))
        assert_is_dead(guest, newest)
    assert web.stop() == 0
    redis.Redis.from_url(servers.urls["REDIS_URL"]).flushall()
    again = start("web").wait_until_it_serves()
    with new_client(again.url) as guest:
        assert_is_dead(guest, newest, person.tokens)
        assert is_in(guest, other)
        assert done(refresh(guest, other["refresh_token"]))
    assert again.stop() == 0


def test_of_twenty_refreshes_at_once_one_is_answered(start: Start) -> None:
    """Whichever process they come to; and as they are a reuse, the family ends."""
    webs = [start("web").wait_until_it_serves() for _ in range(2)]
    for _ in range(3):
        tokens, together = new_person(webs[0].url).tokens, Barrier(20)

        def ask(
            number: int, tokens: Thing = tokens, together: Barrier = together
        ) -> httpx.Response:
            with new_client(webs[number % 2].url) as client:
                client.get("/live")
                together.wait()
                return refresh(client, tokens["refresh_token"])

        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(ask, range(20)))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 19}
        [winner] = [answer.json() for answer in answers if answer.status_code == 200]
        for web in webs:
            with new_client(web.url) as guest:
                assert_is_dead(guest, winner, tokens)
    assert [web.stop() for web in webs] == [0, 0]


def test_a_logout_ends_one_login(guest: httpx.Client, newcomer: Newcomer) -> None:
    """Any of its refresh tokens does, used or not; other logins go on."""
    person = newcomer()
    used, other = log_in(guest, person.email), log_in(guest, person.email)
    newest = done(refresh(guest, used["refresh_token"]))
    for tokens in (person.tokens, used):
        answer = guest.post(REVOKE, json={"refresh_token": tokens["refresh_token"]})
        assert (answer.status_code, answer.content) == (204, b"")
        assert_is_dead(guest, tokens)
    assert_is_dead(guest, newest)
    assert done(refresh(guest, other["refresh_token"]))
    again = guest.post(REVOKE, json={"refresh_token": used["refresh_token"]})
    assert again.status_code == 204


def test_a_logout_with_what_is_no_token_is_done_too(
    guest: httpx.Client, newcomer: Newcomer, key: bytes
) -> None:
    """There is nothing left to end (RFC 7009), and nothing else is ended by it."""
    person = newcomer()
    good = person.tokens["refresh_token"]
    unfit = ["x", "a.b.c", "x" * 2000, person.tokens["access_token"], good[:-9] + "A" * 9]
    unfit += [forged(b"another key", good), forged(key, good, {"kid": "x"})]
    unfit += [forged(key, good, claims={"fam": str(uuid.uuid4())})]
    for token in unfit:
        assert guest.post(REVOKE, json={"refresh_token": token}).status_code == 204
    assert is_in(guest, person.tokens)
    assert done(refresh(guest, good))


def test_public_routes_of_tokens_do_not_ask_who_it_is(
    guest: httpx.Client, newcomer: Newcomer
) -> None:
    """A client that still sends its old access token comes through."""
    tokens = newcomer().tokens
    fresh = guest.post(
        REFRESH, json={"refresh_token": tokens["refresh_token"]}, headers=bearer("old")
    )
    body = {"refresh_token": done(fresh)["refresh_token"]}
    assert guest.post(REVOKE, json=body, headers=bearer("old")).status_code == 204


def test_a_new_password_ends_every_login(guest: httpx.Client, newcomer: Newcomer) -> None:
    """The old password is none any more, and other users notice nothing."""
    person, bystander = newcomer(), newcomer()
    families = [person.tokens, log_in(guest, person.email)]
    families.append(done(refresh(guest, families[1]["refresh_token"])))
    words = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    changed = person.http.post(CHANGE_PASSWORD, json=words)
    assert (changed.status_code, changed.content) == (204, b"")
    assert_is_dead(guest, *families)
    old = guest.post(TOKEN, json={"email": person.email, "password": PASSWORD})
    assert_is_problem(old, 401, "invalid_credentials")
    assert is_in(guest, log_in(guest, person.email, OTHER_PASSWORD))
    assert is_in(guest, bystander.tokens)


@pytest.mark.parametrize(
    ("current", "new", "expected"),
    [
        ("wrong horse battery", OTHER_PASSWORD, {"#/current_password": "wrong_password"}),
        ("", OTHER_PASSWORD, {"#/current_password": "wrong_password"}),
        (PASSWORD, "x" * 11, {"#/new_password": "too_short"}),
        (PASSWORD, "correct horse " * 10, {"#/new_password": "too_long"}),
        (PASSWORD, "my-Password-9", {"#/new_password": "too_common"}),
    ],
)
def test_a_password_that_is_refused_changes_nothing(
    guest: httpx.Client, author: Person, current: str, new: str, expected: dict[str, str]
) -> None:
    """The old one and its logins are as good as before."""
    words = {"current_password": current, "new_password": new}
    assert faults(author.http.post(CHANGE_PASSWORD, json=words)) == expected
    assert is_in(guest, author.tokens)
    assert log_in(guest, author.email)


def test_who_was_shut_out_has_to_log_in_again(
    guest: httpx.Client, newcomer: Newcomer, admin: Person
) -> None:
    """What an admin ends stays ended when the user may come back."""
    person = newcomer()
    families = [person.tokens, log_in(guest, person.email)]
    for is_active in (False, True):
        answer = admin.http.patch(user_of(person), json={"is_active": is_active})
        assert done(answer)["is_active"] is is_active
        assert_is_dead(guest, *families)
    assert is_in(guest, log_in(guest, person.email))


def test_who_is_inactive_in_the_database_is_out_at_once(
    guest: httpx.Client, newcomer: Newcomer, sql: Sql
) -> None:
    """However it came about, no token is good in the next request."""
    person = newcomer()
    assert is_in(guest, person.tokens)
    sql("UPDATE accounts_user SET is_active = false WHERE id = %(id)s", id=person.id)
    assert_is_dead(guest, person.tokens)


@pytest.mark.parametrize("change", ["revoked_at = now()", "expires_at = now() - interval '1 h'"])
def test_a_family_that_ended_in_the_database_is_dead(
    guest: httpx.Client, newcomer: Newcomer, sql: Sql, change: str
) -> None:
    """No process remembers that it was good."""
    person = newcomer()
    assert is_in(guest, person.tokens)
    statement = f"UPDATE access_token_family SET {change} WHERE user_id = %(id)s"  # noqa: S608
    sql(statement, id=person.id)
    assert_is_refused(refresh(guest, person.tokens["refresh_token"]))
    if "revoked" in change:
        assert_is_dead(guest, person.tokens)


def test_no_token_is_written_down(
    api: Role, guest: httpx.Client, newcomer: Newcomer, sql: Sql
) -> None:
    """Neither the log nor the database has one that somebody could use."""
    person = newcomer()
    newest = done(refresh(guest, person.tokens["refresh_token"]))
    refresh(guest, person.tokens["refresh_token"])
    guest.post(REVOKE, json={"refresh_token": newest["refresh_token"]})
    [row] = sql("SELECT f::text FROM access_token_family f WHERE user_id = %(id)s", id=person.id)
    for token in (tokens[key] for tokens in (person.tokens, newest) for key in TOKEN_KEYS[0:4:3]):
        assert token.rpartition(".")[2] not in api.text + row[0]


# Keys that change -------------------------------------------------------------------------------

NEW_KEYS = {"JWT_SIGNING_KEY": "nEw-", "SECRET_KEY": "oThEr-"}
NEW_KEYS = {
    name: text + "k7Jd2mQz9xVb4Rt6Wy8Pn1Lc3Hs5Gf0AeuTiOoXqZ7aBdEw"
    for name, text in NEW_KEYS.items()
}


@pytest.fixture(scope="module")
def rotated(project: Project, environment: dict[str, str]) -> Iterator[tuple[Role, Role]]:
    """Yield two services with new keys: one that knows the former ones, one that does not."""
    former = {
        f"{name}_FALLBACKS": f"{secrets.token_urlsafe(48)},{environment[name]}" for name in NEW_KEYS
    }
    with ExitStack() as stack:
        roles = [
            Role(project, "web", environ=environment | NEW_KEYS | more | {"PORT": free_port()})
            for more in (former, {})
        ]
        for role in roles:
            stack.enter_context(role).wait_until_it_serves()
        yield roles[0], roles[1]
        assert [role.stop() for role in roles] == [0, 0]


def test_a_new_signing_key_logs_nobody_out(web: Role, rotated: tuple[Role, Role]) -> None:
    """Where the former one is named, its tokens are good; new ones are signed with the new one."""
    tokens = new_person(web.url).tokens
    with new_client(rotated[0].url) as soft, new_client(rotated[1].url) as hard:
        assert is_in(soft, tokens)
        assert_is_dead(hard, tokens)
        fresh = done(refresh(soft, tokens["refresh_token"]))
        kids = [part(each[key], 0)["kid"] for each in (tokens, fresh) for key in TOKEN_KEYS[0:4:3]]
        assert kids[0] == kids[1] != kids[2] == kids[3]
        assert is_in(hard, fresh)
        assert done(refresh(hard, fresh["refresh_token"]))
    with new_client(web.url) as old:
        assert_is_refused(old.get(ME, headers=bearer(fresh["access_token"])))


def test_a_cursor_outlasts_a_new_secret(web: Role, rotated: tuple[Role, Role]) -> None:
    """Where the former secret is named; new cursors are signed with the new one."""
    person = new_person(web.url)
    article = person.write()
    for _ in range(4):
        person.comment(article)
    path, page = comments_of(article), {"page_size": "1"}

    def cursor_of(found: Thing) -> Thing:
        return page | {"cursor": httpx.URL(found["next"]).params["cursor"]}

    cursor = cursor_of(done(person.http.get(path, params=page)))
    expected = done(person.http.get(path, params=cursor))
    clients = []
    for role in rotated:
        with new_client(role.url) as guest:
            token = log_in(guest, person.email)["access_token"]
        clients.append(new_client(role.url, headers=bearer(token)))
    with clients[0] as soft, clients[1] as hard:
        found = done(soft.get(path, params=cursor))
        assert found["results"] == expected["results"]
        assert faults(hard.get(path, params=cursor)) == {"?cursor": "invalid_cursor"}
        assert hard.get(path, params=cursor_of(found)).status_code == 200
    refused = person.http.get(path, params=cursor_of(found))
    assert faults(refused) == {"?cursor": "invalid_cursor"}


# What is no token of ours -----------------------------------------------------------------------


def part(token: str, number: int) -> Thing:
    """Return the headers of a token, 0, or its claims, 1."""
    found: Thing = json.loads(base64.urlsafe_b64decode(token.split(".")[number] + "=="))
    return found


def encoded(given: object) -> bytes:
    raw = given if isinstance(given, bytes) else json.dumps(given).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def forged(
    key: bytes,
    token: str,
    header: Thing | None = None,
    claims: Thing | None = None,
    digest: Any = "sha256",
) -> str:
    """Return a token like another one with other headers and claims; None leaves one out."""
    both = [part(token, 0) | (header or {}), part(token, 1) | (claims or {})]
    left = [{name: value for name, value in each.items() if value is not None} for each in both]
    signed = b".".join(encoded(each) for each in left)
    signature = hmac.digest(key, signed, digest) if digest else b""
    return (signed + b"." + encoded(signature)).decode()


@pytest.fixture(scope="module")
def key(api_environment: dict[str, str]) -> bytes:
    """Return what the service signs with."""
    return hashlib.sha256(b"access:" + api_environment["JWT_SIGNING_KEY"].encode()).digest()


def present(client: httpx.Client, kind: str, token: str) -> httpx.Response:
    """Send a token as what it is, or is not."""
    return client.get(ME, headers=bearer(token)) if kind == "access" else refresh(client, token)


@pytest.mark.parametrize(("kind", "type_"), [("access", "at+jwt"), ("refresh", "rt+jwt")])
def test_a_token_says_whose_it_is_and_for_how_long(
    guest: httpx.Client, newcomer: Newcomer, key: bytes, kind: str, type_: str
) -> None:
    """It is for this service alone, names its key, and nothing personal is in it."""
    person = newcomer()
    tokens, other = log_in(guest, person.email), newcomer().tokens
    token = tokens[f"{kind}_token"]
    header, claims = part(token, 0), part(token, 1)
    assert (header["alg"], header["typ"], bool(header["kid"])) == ("HS256", type_, True)
    assert header.keys() == {"alg", "typ", "kid"}
    assert list(claims) == CLAIMS
    assert claims["sub"] == person.id
    lifetime = tokens["expires_in" if kind == "access" else "refresh_expires_in"]
    assert claims["exp"] - claims["iat"] == lifetime
    assert claims["fam"] == part(tokens["access_token"], 1)["fam"]
    for name in ("jti", "fam"):
        assert claims[name] != part(other[f"{kind}_token"], 1)[name]
    # What is forged here is as good as what is issued, so that a refusal below has its reason.
    assert present(guest, kind, forged(key, token)).status_code == 200


def test_the_scheme_is_taken_in_any_case(guest: httpx.Client, author: Person) -> None:
    """As RFC 9110 has it."""
    for scheme in ("Bearer", "bearer", "BEARER"):
        header = f"{scheme} {author.tokens['access_token']}"
        assert guest.get(ME, headers={"Authorization": header}).status_code == 200


NOW = int(time.time())
CLAIMS = ["iss", "aud", "sub", "fam", "jti", "iat", "nbf", "exp"]
FORGERIES: dict[str, tuple[Thing, Thing]] = {
    "no algorithm": ({"alg": "none"}, {}),
    "no algorithm, shouted": ({"alg": "NONE"}, {}),
    "another algorithm": ({"alg": "HS512"}, {}),
    "a public key's algorithm": ({"alg": "RS256"}, {}),
    "a curve's algorithm": ({"alg": "ES256"}, {}),
    "an algorithm that is no text": ({"alg": ["HS256"]}, {}),
    "an unknown key": ({"kid": "0123456789abcdef"}, {}),
    "a file for a key": ({"kid": "../../dev/null"}, {}),
    "no key id": ({"kid": None}, {}),
    "a key id that is no text": ({"kid": ["x"]}, {}),
    "a key of its own": ({"kid": None, "jwk": {"kty": "oct", "k": "AAAA"}}, {}),
    "another type": ({"typ": "JWT"}, {}),
    "no type": ({"typ": None}, {}),
    "a critical extension": ({"crit": ["x"]}, {}),
    "another issuer": ({}, {"iss": "somebody"}),
    "another audience": ({}, {"aud": "another:api"}),
    "expired": ({}, {"exp": NOW - 31}),
    "expired, as text": ({}, {"exp": "tomorrow"}),
    "not good yet": ({}, {"nbf": NOW + 7200}),
    "issued tomorrow": ({}, {"iat": NOW + 86400}),
    "another subject's kind": ({}, {"sub": 7}),
    "a subject that is no id": ({}, {"sub": "admin"}),
    "a subject that is nobody": ({}, {"sub": str(uuid.uuid4())}),
    "a subject that is somebody else": ({}, {"sub": "{other}"}),
    "a family of somebody else": ({}, {"fam": "{family}", "jti": "{token}"}),
    "a family that is none": ({}, {"fam": str(uuid.uuid4())}),
    "a family that is no id": ({}, {"fam": "x"}),
    "an id that is none": ({}, {"jti": "x"}),
    **{f"no {name}": ({}, {name: None}) for name in CLAIMS},
}


@pytest.mark.parametrize("kind", ["access", "refresh"])
@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_refused(
    guest: httpx.Client, newcomer: Newcomer, author: Person, key: bytes, name: str, kind: str
) -> None:
    """Signed with the right key, and still not ours; what is ours stays good."""
    header, claims = FORGERIES[name]
    # A family that comes with the wrong user may be ended, whoever could sign that.
    stays = not claims.keys() & {"sub", "fam"}
    person, other = (author, author) if stays else (newcomer(), newcomer())
    theirs = part(other.tokens["refresh_token"], 1)
    names = {"{other}": other.id, "{family}": theirs["fam"], "{token}": theirs["jti"]}
    claims = {claim: names.get(str(value), value) for claim, value in claims.items()}
    digest = {"none": None, "NONE": None, "HS512": "sha512"}.get(str(header.get("alg")), "sha256")
    token = forged(key, person.tokens[f"{kind}_token"], header, claims, digest)
    assert_is_refused(present(guest, kind, token))
    if stays:
        assert is_in(guest, person.tokens)


@pytest.mark.parametrize("kind", ["access", "refresh"])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_an_altered_token_is_refused(
    guest: httpx.Client, author: Person, kind: str, number: int
) -> None:
    """Not a bit of it may change."""
    parts = author.tokens[f"{kind}_token"].split(".")
    old = parts[number]
    parts[number] = old[:5] + ("A" if old[5] != "A" else "B") + old[6:]
    assert_is_refused(present(guest, kind, ".".join(parts)))
    cut = [*parts[:number], old, *parts[number + 1 :]][:2]
    assert_is_refused(present(guest, kind, ".".join([*cut, ""])))
    assert is_in(guest, author.tokens)


def test_a_token_is_good_for_its_purpose_only(guest: httpx.Client, author: Person) -> None:
    """A refresh token opens nothing, an access token renews nothing, renamed or not."""
    access, renewal = author.tokens["access_token"], author.tokens["refresh_token"]
    assert_is_refused(present(guest, "access", renewal))
    assert_is_refused(present(guest, "refresh", access))
    # Who renames one has to sign it anew.
    assert_is_refused(present(guest, "refresh", forged(b"another key", access, {"typ": "rt+jwt"})))
    assert_is_refused(present(guest, "access", forged(b"another key", renewal, {"typ": "at+jwt"})))
    assert is_in(guest, author.tokens)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer x", "Bearer a.b.c", "Bearer " + "x" * 5000, "Token x", "é"],
)
def test_what_is_no_token_is_refused(guest: httpx.Client, header: str) -> None:
    """Whatever stands in the header, the answer is the same."""
    assert_is_refused(guest.get(ME, headers={b"Authorization": header.encode()}))


def test_a_token_of_another_scheme_is_refused(guest: httpx.Client, author: Person) -> None:
    """A good token counts as what it is only."""
    token = author.tokens["access_token"]
    for header in (f"Basic {token}", token, f"Bearer {token} x", f"Bearer  {token}x"):
        assert_is_refused(guest.get(ME, headers={"Authorization": header}))


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_clocks_may_differ_by_half_a_minute(
    guest: httpx.Client, newcomer: Newcomer, key: bytes, kind: str
) -> None:
    """A token that ended 29 s ago elsewhere is good here, after 31 s it is not; so its start."""
    token = newcomer().tokens[f"{kind}_token"]

    def ask(ended: int) -> tuple[int, bool]:
        end = int(time.time()) - ended
        answer = present(guest, kind, forged(key, token, claims={"exp": end}))
        return answer.status_code, time.time() < end + ended + 1

    for ended in (31, 60, 3600):
        assert ask(ended)[0] == 401
    status, in_time = ask(29)
    while not in_time and status == 401:  # the second was over before the answer came
        status, in_time = ask(29)
    assert status == 200
    token = newcomer().tokens[f"{kind}_token"]
    for ahead, expected in ((90, 401), (29, 200)):
        early = forged(key, token, claims={"nbf": int(time.time()) + ahead})
        assert present(guest, kind, early).status_code == expected
