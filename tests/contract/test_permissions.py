"""Who may do what: the six rules, what is asked of nobody, and what belongs to somebody else."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.contract.conftest import Sql
from tests.contract.people import (
    ARTICLES,
    ME,
    NOBODY,
    PASSWORD,
    PROFILE,
    REGISTER,
    STATS,
    TAGS,
    USERS,
    Person,
    Thing,
    bearer,
    comments_of,
    done,
    faults,
    place_of,
    roles_of,
    unheard_of,
    user_of,
)
from tests.contract.test_http import assert_is_problem
from tests.harness.roles import Role

# The rules ---------------------------------------------------------------------------------------

EVERYBODY = "user owner admin superuser"
# Who may read and who may write a thing of `owner`; nobody else may.
RULES = {
    "authenticated": (EVERYBODY, EVERYBODY),
    "admin": ("admin superuser", "admin superuser"),
    "superuser": ("superuser", "superuser"),
    "owner": ("owner", "owner"),
    "owner_or_read_only": (EVERYBODY, "owner"),
    "owner_or_admin": ("owner admin superuser", "owner admin superuser"),
}


@pytest.fixture(scope="module")
def people(
    api: Role,
    guest: httpx.Client,
    author: Person,
    reader: Person,
    admin: Person,
    superuser: Person,
) -> dict[str, httpx.Client]:
    """Return one of each kind."""
    known = {"user": reader, "owner": author, "admin": admin, "superuser": superuser}
    return {"anonymous": guest} | {name: person.http for name, person in known.items()}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PATCH"])
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_lets_in_whom_it_names(
    people: dict[str, httpx.Client], author: Person, rule: str, method: str
) -> None:
    """Strangers are asked who they are, all others get what they may or are told no."""
    path = f"/fixture/rules/{rule}/{author.id}"
    body: Thing | None = {} if method == "PATCH" else None
    answers = {name: who.request(method, path, json=body) for name, who in people.items()}
    may = RULES[rule][method == "PATCH"].split()
    expected = {name: 200 if name in may else 403 for name in EVERYBODY.split()}
    assert {name: each.status_code for name, each in answers.items()} == {
        "anonymous": 401
    } | expected
    if method != "HEAD":
        assert_is_problem(answers["anonymous"], 401, "not_authenticated")
        for name in expected.keys() - set(may):
            assert_is_problem(answers[name], 403, "forbidden")


@pytest.mark.parametrize("rule", ["owner", "owner_or_read_only", "owner_or_admin"])
def test_what_is_nobodys_is_not_everybodys(people: dict[str, httpx.Client], rule: str) -> None:
    """An owner who left makes nobody the owner."""
    for name in ("user", "owner"):
        answer = people[name].patch(f"/fixture/rules/{rule}/{NOBODY}", json={})
        assert_is_problem(answer, 403, "forbidden")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *[("GET", "/fixture/plain"), ("HEAD", "/fixture/plain")],
        *[("GET", "/fixture/forgotten"), ("POST", "/fixture/forgotten")],
        *[("GET", "/fixture/added"), ("GET", "/fixture/mounted/within")],
        ("GET", "/fixture/nested/"),
    ],
)
def test_a_route_that_asks_for_nobody_asks_for_somebody(
    api: Role, guest: httpx.Client, author: Person, method: str, path: str
) -> None:
    """What nobody made public is not, however it came to be a route."""
    refused = guest.request(method, path)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    if method != "HEAD":
        assert_is_problem(refused, 401, "not_authenticated")
        for headers in (bearer("x.y.z"), bearer(author.tokens["refresh_token"])):
            assert_is_problem(guest.request(method, path, headers=headers), 401, "invalid_token")
    assert author.http.request(method, path).status_code == 200


def test_a_public_route_is_everybodys(api: Role, guest: httpx.Client) -> None:
    """What a domain names in its `public` module is answered without a token."""
    assert guest.get("/fixture/settings").status_code == 200
    assert guest.head("/fixture/rows").status_code in (200, 405)
    assert guest.get("/fixture/note/abc", headers=bearer("old")).status_code == 200


# What is somebody else's ------------------------------------------------------------------------


class Shelf:
    """A published article and a draft of somebody, with all that hangs on them."""

    def __init__(self, owner: Person) -> None:
        self.owner, self.word = owner, unheard_of()
        self.tag, self.secret_tag = owner.tag("0" + unheard_of()), owner.tag("0" + unheard_of())
        tags = [self.tag["id"]]
        self.article = owner.write(title=f"{self.word} out", tag_ids=tags)
        self.draft = owner.write(
            title=f"{self.word} draft", status="draft", tag_ids=[*tags, self.secret_tag["id"]]
        )
        self.comments = [owner.comment(self.draft, body=self.word) for _ in range(3)]
        self.comment = f"{comments_of(self.draft)}/{self.comments[0]['id']}"
        self.path = place_of(self.draft)

    def names(self) -> list[str]:
        """Return what nobody else may get to see."""
        ids = [comment["id"] for comment in self.comments]
        return [self.draft["id"], *ids, f"{self.word} draft", self.secret_tag["name"]]


@pytest.fixture(scope="module")
def shelf(newcomer: Callable[[], Person]) -> Shelf:
    """Return somebody's articles."""
    return Shelf(newcomer())


WAYS: list[tuple[str, str, Thing | None]] = [
    ("GET", "{draft}", None),
    ("PATCH", "{draft}", {"title": "Mine"}),
    ("PATCH", "{draft}", {"status": "published"}),
    ("DELETE", "{draft}", None),
    ("GET", "{draft}/comments", None),
    ("GET", "{draft}/comments?page_size=1", None),
    ("GET", "{draft}/comments?cursor={cursor}", None),
    ("POST", "{draft}/comments", {"body": "Hm."}),
    ("POST", "{draft}/comments", {"body": "Hm.", "parent_id": "{comment_id}"}),
    ("GET", "{draft}/comments/{comment_id}", None),
    ("PATCH", "{draft}/comments/{comment_id}", {"body": "Mine"}),
    ("DELETE", "{draft}/comments/{comment_id}", None),
    ("GET", "{article}/comments/{comment_id}", None),
    ("PATCH", "{article}/comments/{comment_id}", {"body": "Mine"}),
    ("DELETE", "{article}/comments/{comment_id}", None),
    ("GET", "{own}/comments/{comment_id}", None),
    ("DELETE", "{own}/comments/{comment_id}", None),
]
UNFIT: list[tuple[str, str, Thing | None]] = [
    ("PATCH", "{draft}", {"title": ""}),
    ("PATCH", "{draft}", {"author": NOBODY}),
    ("POST", "{draft}/comments", {"body": ""}),
    ("PATCH", "{draft}/comments/{comment_id}", {"body": ""}),
]


MISSING = (404, "not_found")


def filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def test_a_draft_is_nothing_on_every_way(shelf: Shelf, reader: Person) -> None:
    """Not a byte tells it from what is not there, and none of the ways changes it."""
    owner = shelf.owner.http
    pages = done(owner.get(comments_of(shelf.draft), params={"page_size": 1}))
    names = {
        "draft": shelf.path,
        "article": place_of(shelf.article),
        "own": place_of(reader.write()),
        "comment_id": shelf.comments[0]["id"],
        "cursor": httpx.URL(pages["next"]).params["cursor"],
    }
    nothing = names | {"draft": f"{ARTICLES}/{NOBODY}", "comment_id": NOBODY, "cursor": ""}
    before = [owner.get(path).json() for path in (shelf.path, comments_of(shelf.draft))]
    for method, path, body in WAYS + UNFIT:
        expected = (422, "validation_failed") if (method, path, body) in UNFIT else MISSING
        told = []
        for each in (names, nothing):
            given = {key: filled(value, each) for key, value in body.items()} if body else None
            answer = reader.http.request(method, filled(path, each), json=given)
            assert_is_problem(answer, *expected)
            told.append(answer.json() | {"request_id": ""})
        assert told[0] == told[1], (method, path)
    after = [owner.get(path).json() for path in (shelf.path, comments_of(shelf.draft))]
    assert after == before


@pytest.mark.parametrize("header", ["If-None-Match", "If-Match"])
def test_a_drafts_etag_opens_nothing(shelf: Shelf, reader: Person, header: str) -> None:
    """Neither the real one nor a star makes a 304 or a 412 of it."""
    etag = shelf.owner.http.get(shelf.path).headers["ETag"]
    for method in ("GET", "HEAD", "PATCH", "DELETE"):
        for given in (etag, etag.removeprefix("W/"), "*", 'W/"x"'):
            body = {"title": "Mine"} if method == "PATCH" else None
            answer = reader.http.request(method, shelf.path, headers={header: given}, json=body)
            assert answer.status_code == 404
            assert "ETag" not in answer.headers


QUERIES: list[Thing] = [
    {"author": "{owner}"},
    {"author": "{owner}", "status": "draft"},
    {"author": "{owner}", "status__in": "draft,published"},
    {"author": "{owner}", "published_at__isnull": "true"},
    {"author": "{owner}", "created_at__gte": "2000-01-01T00:00:00Z", "page_size": "100"},
    {"author": "{owner}", "page_size": "1", "page": "2"},
    {"search": "{word}"},
    {"search": "{word} draft"},
    {"search": "{word}", "status": "draft"},
    {"tag": "{tag}"},
    {"tag": "{secret_tag}"},
    {"tag": "{secret_tag}", "status__in": "draft"},
    *[
        {"author": "{owner}", "ordering": sign + ordering}
        for ordering in ("created_at", "published_at", "title")
        for sign in ("", "-")
    ],
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_no_list_shows_or_counts_a_draft(shelf: Shelf, reader: Person, query: Thing) -> None:
    """However it is filtered, searched and ordered."""
    names = {"owner": shelf.owner.id, "word": shelf.word}
    names |= {"tag": shelf.tag["name"], "secret_tag": shelf.secret_tag["name"]}
    given = {key: filled(value, names) for key, value in query.items()}
    seen = reader.http.get(ARTICLES, params=given)
    page = done(seen)
    assert not [name for name in shelf.names() if name in seen.text]
    shown = [article["id"] for article in page["results"]]
    assert shown in ([], [shelf.article["id"]])
    assert page["count"] <= 1
    assert page["next"] is None
    mine = done(shelf.owner.http.get(ARTICLES, params=given))
    assert mine["count"] > page["count"]  # so that the query does find it


def test_no_figure_counts_a_draft(newcomer: Callable[[], Person], reader: Person) -> None:
    """Its comments and tags count for its author alone."""
    before = done(reader.http.get(STATS))
    shelf = Shelf(newcomer())
    after = done(reader.http.get(STATS))
    changes = {name: after[name] - before[name] for name in ("articles", "drafts", "published")}
    assert changes == {"articles": 1, "drafts": 0, "published": 1}
    assert after["comments"] == before["comments"]
    assert shelf.secret_tag["name"] not in [tag["name"] for tag in after["per_tag"]]


def test_a_draft_is_not_reached_through_other_things(shelf: Shelf, reader: Person) -> None:
    """Nothing of it can be replied to, and its cursors fit no other list."""
    own = reader.write()
    for article in (shelf.article, own):
        reply = {"body": "Hm.", "parent_id": shelf.comments[0]["id"]}
        refused = reader.http.post(comments_of(article), json=reply)
        assert faults(refused) == {"#/parent_id": "not_found"}
    page = done(shelf.owner.http.get(comments_of(shelf.draft), params={"page_size": 1}))
    cursor = {"cursor": httpx.URL(page["next"]).params["cursor"]}
    for article in (shelf.article, own):
        refused = reader.http.get(comments_of(article), params=cursor)
        assert faults(refused) == {"?cursor": "invalid_cursor"}


def test_a_draft_is_a_strangers_even_less(shelf: Shelf, guest: httpx.Client) -> None:
    """Who is nobody is asked first, whatever is there."""
    for path in (shelf.path, comments_of(shelf.draft), shelf.comment, f"{ARTICLES}/{NOBODY}"):
        for method in ("GET", "PATCH", "DELETE"):
            body = {"title": "x"} if method == "PATCH" else None
            if path == comments_of(shelf.draft) and method != "GET":
                continue
            answer = guest.request(method, path, json=body)
            assert_is_problem(answer, 401, "not_authenticated")


# Fields that nobody may write -------------------------------------------------------------------

RIGHTS: Thing = {
    "role": "admin",
    "roles": ["support"],
    "is_staff": True,
    "is_superuser": True,
    "is_admin": True,
    "permissions": ["users.read"],
}
OWNERSHIP: Thing = {
    "id": NOBODY,
    "author": NOBODY,
    "author_id": NOBODY,
    "owner": NOBODY,
    "user": NOBODY,
    "user_id": NOBODY,
    "created_at": "2026-01-01T00:00:00Z",
}
ASSIGNMENTS: dict[str, tuple[str, str, str, Thing, Thing]] = {
    "a registration": (
        *("author", "POST", REGISTER),
        {"email": "{email}", "password": PASSWORD},
        RIGHTS | {"is_active": False, "id": NOBODY},
    ),
    "oneself": ("author", "PATCH", ME, {"full_name": "Eve"}, RIGHTS | {"is_active": True}),
    "a profile": ("author", "PUT", PROFILE, {"bio": "Eve"}, RIGHTS | OWNERSHIP),
    "a new article": (
        *("author", "POST", ARTICLES),
        {"title": "x", "body": "x"},
        RIGHTS | OWNERSHIP | {"published_at": "2026-01-01T00:00:00Z"},
    ),
    "an article": ("author", "PATCH", "{article}", {"title": "Eve"}, RIGHTS | OWNERSHIP),
    "an admin's change of an article": (
        *("admin", "PATCH", "{article}"),
        {"title": "Eve"},
        RIGHTS | OWNERSHIP,
    ),
    "a new comment": (
        *("author", "POST", "{article}/comments"),
        {"body": "Eve"},
        RIGHTS | OWNERSHIP | {"article": NOBODY, "article_id": NOBODY},
    ),
    "a comment": (
        *("author", "PATCH", "{article}/comments/{comment}"),
        {"body": "Eve"},
        RIGHTS | OWNERSHIP | {"parent_id": None},
    ),
    "a new tag": ("author", "POST", TAGS, {"name": "eve-{word}"}, RIGHTS | OWNERSHIP),
    "an admin's change of a user": (
        *("admin", "PATCH", f"{USERS}/{{user}}"),
        {"is_active": True},
        RIGHTS | {"id": NOBODY, "email": "eve@example.org", "full_name": "Eve", "password": "x"},
    ),
    "an admin's change of roles": (
        *("admin", "PUT", f"{USERS}/{{user}}/roles"),
        {"roles": ["support"]},
        {name: value for name, value in RIGHTS.items() if name != "roles"},
    ),
}


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_nobody_writes_who_owns_and_who_may(
    author: Person, admin: Person, sql: Sql, name: str
) -> None:
    """Each such field is refused by its name, and nothing else of the request is done."""
    who, method, path, fit, unfit = ASSIGNMENTS[name]
    article = author.write()
    names = {"article": place_of(article), "comment": author.comment(article)["id"]}
    names |= {"user": author.id, "word": unheard_of(), "email": f"{unheard_of()}@example.org"}
    body = {
        key: filled(value, names) if isinstance(value, str) else value
        for key, value in (fit | unfit).items()
    }

    def everything() -> list[tuple[Any, ...]]:
        user = sql("SELECT u::text FROM accounts_user u WHERE id = %(id)s", id=author.id)
        count = "SELECT (SELECT count(*) FROM accounts_user), (SELECT count(*) FROM articles_tag)"
        things = [author.http.get(path).text for path in (place_of(article), PROFILE, ARTICLES)]
        comments = author.http.get(comments_of(article)).text
        return [*user, *sql(count), (*things, comments, admin.http.get(user_of(author)).text)]

    before = everything()
    http = {"author": author, "admin": admin}[who].http
    refused = http.request(method, filled(path, names), json=body)
    assert faults(refused) == {f"#/{field}": "unknown_field" for field in unfit}
    assert everything() == before


def test_roles_are_not_written_by_those_who_have_them(
    newcomer: Callable[[], Person], admin: Person
) -> None:
    """Nobody lifts themselves or others up, whatever role they have."""
    person, other = newcomer(), newcomer()
    done(admin.http.put(roles_of(person), json={"roles": ["support"]}))
    for target in (person, other):
        refused = person.http.put(roles_of(target), json={"roles": ["support"]})
        assert_is_problem(refused, 403, "forbidden")
        refused = person.http.patch(user_of(target), json={"is_active": False})
        assert_is_problem(refused, 403, "forbidden")
