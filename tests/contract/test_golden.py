"""Answers compared to the byte with those in golden.json, which are the same in both frameworks.

`pytest tests/contract/test_golden.py --framework django --write-golden` records them anew; look at
the difference, then let the other framework answer for it.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from tests.contract.conftest import Sql
from tests.contract.people import (
    ARTICLES,
    CHANGE_PASSWORD,
    ME,
    NOBODY,
    PASSWORD,
    PROFILE,
    REFRESH,
    REGISTER,
    REVOKE,
    STATS,
    TAGS,
    TOKEN,
    USERS,
    Person,
    Thing,
    bearer,
    comments_of,
    place_of,
    roles_of,
    unheard_of,
    user_of,
)
from tests.contract.test_http import INTERNALS
from tests.harness.roles import Role, new_client

FILE = Path(__file__).with_name("golden.json")
JSON, LARGEST = "application/json", 1024 * 1024
ARTICLE, DRAFT, OTHERS = (
    f"{ARTICLES}/{{article}}",
    f"{ARTICLES}/{{draft}}",
    f"{ARTICLES}/{{others}}",
)
COMMENTS, COMMENT = f"{OTHERS}/comments", f"{OTHERS}/comments/{{comment}}"
MISSING = f"{ARTICLES}/{NOBODY}"
USER, SUPERUSER, STRANGER = f"{USERS}/{{id}}", f"{USERS}/{{superuser}}", f"{USERS}/{NOBODY}"
HEADERS = ["Content-Type", "Allow", "WWW-Authenticate", "Retry-After", "Cache-Control", "Location"]
# What differs from run to run, and what stands for it.
MASKS = [
    (r'"request_id":"[^"]+"', '"request_id":""'),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "<instant>"),
    (r"eyJ[\w.-]+", "<token>"),
    (r"cursor=[\w-]+", "cursor=<cursor>"),
    (r"w[0-9a-f]{12}", "<word>"),
]

NO_FLAGS: list[object] = [None, "true", "", 0, 1, 1.0, [], {}]


class Case(NamedTuple):
    """A request; `{article}` and the like stand for ids, `who` is a person or `guest`."""

    method: str
    path: str
    content: bytes | None = None
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed
    who: str = "author"


def get(path: str, who: str = "author", **headers: str) -> Case:
    """Return a request without a body."""
    return Case("GET", path, None, headers, who)


def send(method: str, path: str, body: object, who: str = "author") -> Case:
    """Return a request with a body of JSON."""
    return raw(method, path, json.dumps(body).encode(), JSON, who)


def raw(method: str, path: str, content: bytes, kind: str = JSON, who: str = "author") -> Case:
    """Return a request with a body that says of which type it is, or does not."""
    return Case(method, path, content, {"Content-Type": kind} if kind else {}, who)


def register(**fields: object) -> Case:
    """Return a registration that differs from a good one."""
    good = {"email": "somebody@example.org", "password": PASSWORD}
    return send("POST", REGISTER, good | fields, "guest")


def login(**fields: object) -> Case:
    """Return a login that differs from one that is fit."""
    return send("POST", TOKEN, {"email": "nobody@x.org", "password": PASSWORD} | fields, "guest")


def password(**fields: object) -> Case:
    """Return a change of a password that differs from a good one."""
    words = {"current_password": PASSWORD, "new_password": "another horse staple"}
    return send("POST", CHANGE_PASSWORD, words | fields)


def article(**fields: object) -> Case:
    """Return a new article that differs from a good one."""
    return send("POST", ARTICLES, {"title": "A title", "body": "A body."} | fields)


def nested(depth: int) -> bytes:
    """Return an object with arrays in it, `depth` in all."""
    return b'{"title": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


ROUTES = {
    "an unknown path": get("/nowhere", "guest"),
    "an unknown path of the API": get("/api/v1/nowhere", "guest"),
    "an unknown version": get("/api/v9/articles"),
    "a slash too many": get(f"{ARTICLES}/"),
    "an unknown asset": get("/api/docs/nothing.js", "guest"),
    "a way out of the assets": get("/api/docs/..%2Fschema", "guest"),
    "HEAD of an unknown path": Case("HEAD", "/nowhere", who="guest"),
    "a foreign host": get(ARTICLES, Host="evil.test"),
    "a foreign host and an unknown path": get("/nowhere", Host="evil.test"),
    "an id that is none": get(f"{ARTICLES}/1"),
    "an id that is none, of nobody": get(f"{ARTICLES}/1", "guest"),
    "an id without hyphens": get(f"{ARTICLES}/{NOBODY.replace('-', '')}"),
    "a comment's id that is none": get(f"{OTHERS}/comments/x"),
    "a tag's id that is none": get(f"{TAGS}/x"),
    "an id with NUL": get(f"{ARTICLES}/%00"),
    **{
        f"{method} {path}": Case(method, path, who="guest")
        for method, path in [
            *[("POST", "/"), ("DELETE", "/api/config"), ("POST", "/api/schema")],
            *[("PUT", "/api/docs"), ("GET", REGISTER), ("PUT", TOKEN), ("HEAD", TOKEN)],
            *[("PUT", ME), ("POST", ME), ("PUT", ARTICLES), ("PATCH", ARTICLES)],
            *[("PUT", MISSING), ("POST", MISSING), ("DELETE", STATS)],
            *[("PUT", f"{MISSING}/comments"), ("POST", f"{MISSING}/comments/{NOBODY}")],
            *[("DELETE", TAGS), ("PUT", f"{TAGS}/{NOBODY}"), ("PATCH", PROFILE)],
            *[("GET", REFRESH), ("PUT", REFRESH), ("DELETE", REVOKE), ("GET", CHANGE_PASSWORD)],
            *[("DELETE", STRANGER), ("PUT", STRANGER), ("GET", f"{STRANGER}/roles")],
            *[("OPTIONS", "/"), ("OPTIONS", ARTICLES), ("TRACE", ARTICLES), ("PROPFIND", TAGS)],
        ]
    },
    "users, of whom there is no list": get(USERS, "admin"),
    "a user's id that is none": get(f"{USERS}/x", "admin"),
    "roles of an id that is none": send("PUT", f"{USERS}/x/roles", {"roles": []}, "admin"),
    "a crash": get("/fixture/crash", "guest"),
    "a crash of a write": send("POST", "/fixture/crash", {}, "guest"),
}
CALLERS = {
    "no token": get(ARTICLES, "guest"),
    "no token for one": get(MISSING, "guest"),
    "no token for a write": send("POST", ARTICLES, {}, "guest"),
    "no token and a wrong type": raw("POST", ARTICLES, b"x", "text/plain", "guest"),
    "no token and a bad query": get(f"{ARTICLES}?page=0", "guest"),
    "no token for a head": Case("HEAD", ARTICLES, who="guest"),
    "no token for a new password": send("POST", CHANGE_PASSWORD, {}, "guest"),
    "no token for a user": get(USER, "guest"),
    "no token for roles": send("PUT", f"{USER}/roles", {}, "guest"),
    "no token for what asks for nobody": get("/fixture/plain", "guest"),
    "no token for what is nobody's": send("POST", "/fixture/forgotten", {}, "guest"),
    "a rule that does not hold": get("/fixture/rules/superuser/{id}"),
    "an empty header": get(ME, "guest", Authorization=""),
    "another scheme": get(ME, "guest", Authorization="Basic YTpi"),
    "a token that is none": get(ME, "guest", Authorization="Bearer x.y.z"),
    "a token of nobody": get(ME, "left"),
    "a token of somebody inactive": get(ME, "inactive"),
    "a wrong password": login(email="{email}", password="wrong horse battery"),
    "an unknown user": login(),
    "an inactive user": login(email="{inactive}"),
    "no address at all": login(email="", password=""),
    "a refresh token to come in": get(ME, "guest", Authorization="Bearer {refresh}"),
    "a token of a login that ended": get(ME, "guest", Authorization="Bearer {ended}"),
    **{
        f"a refresh with {name}": send("POST", REFRESH, {"refresh_token": token}, "guest")
        for name, token in {
            "nothing": "",
            "a word": "x",
            "three": "a.b.c",
            "an access token": "{access}",
            "a token that was used": "{used}",
            "a token of somebody inactive": "{shut}",
        }.items()
    },
}
BODIES = {
    **{
        f"malformed: {name}": raw("POST", ARTICLES, content)
        for name, content in {
            "cut off": b'{"title": ',
            "a word": b"nope",
            "a comma too many": b'{"title": "x",}',
            "single quotes": b"{'title': 'x'}",
            "two documents": b"{} {}",
            "NaN": b'{"title": NaN}',
            "Infinity": b'{"title": -Infinity}',
            "a control character": b'{"title": "\x01"}',
            "no UTF-8": b'{"title": "\xff"}',
            "half a pair in UTF-8": b'{"title": "\xed\xa0\x80"}',
            "UTF-16": '{"title": "x"}'.encode("utf-16"),
            "a byte order mark": b"\xef\xbb\xbf{}",
            "a number without end": b'{"title": ' + b"9" * 5000 + b"}",
            "33 deep": nested(33),
            "100,000 deep": b"[" * 100_000,
        }.items()
    },
    "32 deep": raw("POST", ARTICLES, nested(32)),
    "malformed on an unknown path": raw("POST", "/nowhere", b"{", who="guest"),
    "malformed without a token": raw("POST", ARTICLES, b"{", who="guest"),
    "malformed by a wrong method": raw("PUT", ARTICLES, b"{"),
    "malformed and a foreign host": Case(
        "POST", ARTICLES, b"{", {"Content-Type": JSON, "Host": "evil.test"}
    ),
    "a great number": raw("POST", ARTICLES, b'{"title": 1e999, "body": 12345678901234567890}'),
    "a key twice": raw("POST", ARTICLES, b'{"title": 1, "title": "", "body": "x"}'),
    **{
        f"a body of {kind or 'no type'}": raw("POST", ARTICLES, b'{"title": "x"}', kind)
        for kind in [
            *["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
            *["application/problem+json", "application/jsonx", "application", "*/*", ";", ""],
        ]
    },
    "a form for a login": raw("POST", TOKEN, b"a=b", "application/x-www-form-urlencoded", "guest"),
    "no body and no type": Case("POST", ARTICLES),
    "an empty body": raw("POST", ARTICLES, b""),
    "an empty body of text": raw("POST", ARTICLES, b"", "text/plain"),
    "an empty body for a change": raw("PATCH", ARTICLE, b""),
    "an empty body for a login": raw("POST", TOKEN, b"", who="guest"),
    "an empty body for a refresh": raw("POST", REFRESH, b"", who="guest"),
    "a form for a refresh": raw(
        "POST", REFRESH, b"a=b", "application/x-www-form-urlencoded", "guest"
    ),
    "malformed for a logout": raw("POST", REVOKE, b"{", who="guest"),
    "an empty body for a password": raw("POST", CHANGE_PASSWORD, b""),
    "an empty body for roles": raw("PUT", f"{USER}/roles", b"", who="admin"),
    "an empty body for a profile": raw("PUT", PROFILE, b""),
    "blanks": raw("POST", ARTICLES, b" \n"),
    **{
        f"a body that is {text}": raw("POST", ARTICLES, text.encode())
        for text in ["[]", '"text"', "1", "true", "null", '[{"title": "x"}]']
    },
    "a change that is a list": raw("PATCH", ARTICLE, b"[]"),
    "a wrong type for somebody else's": raw("PATCH", OTHERS, b"x", "text/plain"),
}
FIELDS = {
    "nothing to register": send("POST", REGISTER, {}, "guest"),
    "an address taken": register(email="{email}"),
    **{
        f"an address like {email!r:.30}": register(email=email)
        for email in [
            *["", "x", "a@b", "a@b.c", "ä@example.org", "a@exämple.org", "a b@example.org"],
            *[" a@example.org", "a@example.org\n", "a\0@example.org", "a@-.\ud800", "@example.org"],
            *["a@example..org", "x" * 65 + "@example.org"],
            *[None, 1, True, ["a@example.org"], {"a": "b"}],
        ]
    },
    "an address of 260": register(email="x" * 64 + "@" + ("y" * 63 + ".") * 3 + "org"),
    **{
        f"a password like {password!r:.30}": register(password=password)
        for password in [
            *["", "eleven char", "x" * 12, "abcdefghijkl", "Somebody-12345", "password of mine"],
            *["correct\0horse battery", "correct\ud800horse battery", "long" * 33, None, 12345678],
        ]
    },
    "an address and a password": register(email="x", password="x"),
    "a name too long": register(full_name="x" * 151),
    "a name that is null": register(full_name=None),
    "a name with NUL": register(full_name="a\0b"),
    "fields nobody knows": register(is_staff=True, id=NOBODY, username="x"),
    "a field with a slash": register(**{"a/b": 1, "c~d": 1, "": 1, "e f": 1, "ü": 1}),
    "a field with NUL": register(**{"\0": 1}),
    "a field with half a pair": register(**{"\ud800": 1}),
    "nothing to log in": send("POST", TOKEN, {}, "guest"),
    "a login with wrong types": login(email=1, password=None),
    "a login too long": login(email="x" * 255, password="x" * 129),
    "a login with NUL": login(email="a\0@example.org", password="a\0b"),
    "a login with half a pair": login(email="\ud800", password="\udfff"),
    "a login with more": login(remember=True),
    **{
        f"a {name} of {fields!r:.60}": send("POST", path, fields, "guest")
        for name, path in [("refresh", REFRESH), ("logout", REVOKE)]
        for fields in [
            *[{}, {"refresh_token": None}, {"refresh_token": 1}, {"refresh_token": ["x"]}],
            *[{"refresh_token": "a\0b"}, {"refresh_token": "\ud800"}],
            *[{"refresh_token": "x" * 2001}, {"refresh_token": "x", "scope": "all"}],
        ]
    },
    "no new password": send("POST", CHANGE_PASSWORD, {}),
    "a wrong current password": password(current_password="wrong horse battery"),
    "an empty current password": password(current_password=""),
    "two wrong passwords": password(current_password="x", new_password="x"),
    "new passwords of wrong types": password(current_password=None, new_password=1),
    "new passwords too long": password(current_password="x" * 129, new_password="x" * 129),
    "new passwords with NUL": password(current_password="a\0b", new_password="a\0b"),
    "a new password with half a pair": password(new_password="correct\ud800horse battery"),
    "a new password that all have": password(new_password="my-Password-9"),
    "a new password like the address": password(new_password="{email}"),
    "a new password with more": password(password="x", user="{id}"),
    "a user for others": get(USER),
    "a user who is not there, for others": get(STRANGER),
    "a change of a user by others": send("PATCH", USER, {"is_active": False}),
    "a bad change of a user by others": send("PATCH", USER, {"is_active": "x"}),
    "roles by others": send("PUT", f"{USER}/roles", {"roles": ["support"]}),
    "bad roles by others": send("PUT", f"{USER}/roles", {}),
    "a user who is not there": get(STRANGER, "admin"),
    "a change of nobody": send("PATCH", STRANGER, {"is_active": True}, "admin"),
    "a bad change of nobody": send("PATCH", STRANGER, {"is_active": "x"}, "admin"),
    "roles of nobody": send("PUT", f"{STRANGER}/roles", {"roles": []}, "admin"),
    "bad roles of nobody": send("PUT", f"{STRANGER}/roles", {"roles": ["x"]}, "admin"),
    "a change of a superuser": send("PATCH", SUPERUSER, {"is_active": False}, "admin"),
    "roles of a superuser": send("PUT", f"{SUPERUSER}/roles", {"roles": []}, "admin"),
    **{
        f"a change of a user to {fields!r:.60}": send("PATCH", USER, fields, "admin")
        for fields in [
            *[{"is_active": flag} for flag in NO_FLAGS],
            *[{"email": "x@example.org", "roles": [], "is_staff": True}, []],
        ]
    },
    **{
        f"roles like {value!r:.60}": send("PUT", f"{USER}/roles", {"roles": value}, "admin")
        for value in [
            *[None, "support", 1, {"0": "support"}, [None], [1], [["support"]], [""], ["x"]],
            *[["Support"], ["support", "support"], ["support", "x", "support"], ["x", "x"]],
            *[["a\0"], ["\ud800"], [True, "support", "support"]],
        ]
    },
    "no roles at all": send("PUT", f"{USER}/roles", {}, "admin"),
    "roles with more": send("PUT", f"{USER}/roles", {"roles": [], "role": "x"}, "admin"),
    "roles that are a list": send("PUT", f"{USER}/roles", ["support"], "admin"),
    "ones own address": send("PATCH", ME, {"email": "x@example.org", "is_staff": True}),
    "ones own name too long": send("PATCH", ME, {"full_name": "x" * 151}),
    "ones own name of a wrong type": send("PATCH", ME, {"full_name": ["x"]}),
    "to leave with articles": Case("DELETE", ME),
    "nothing to write": send("POST", ARTICLES, {}),
    **{
        f"a title like {title!r:.30}": article(title=title)
        for title in ["", " \n ", "x" * 201, "a\0b", "\ud83d", None, 1, 1.5, True, ["x"], {"x": 1}]
    },
    "a body too long": article(body="x" * 50_001),
    "a body of blanks": article(body="\t"),
    "a body with half a pair": article(body="\udfff\ud800"),
    **{
        f"a status like {status!r}": article(status=status)
        for status in ["gone", "", "Draft", None, 1, ["draft"]]
    },
    **{
        f"tags like {tag_ids!r:.60}": article(tag_ids=tag_ids)
        for tag_ids in [
            *[None, "{tag}", {"0": "{tag}"}, ["x"], [1], [None], ["{tag}", "{tag}"], [NOBODY]],
            *[["{tag}", NOBODY], [NOBODY, NOBODY], ["{tag}", "x", 1, "{tag}"]],
        ]
    },
    "eleven tags": article(tag_ids=[NOBODY] * 11),
    "fields nobody may write": article(
        id=NOBODY, author="{id}", published_at=None, created_at="x", updated_at=1, tags=[], slug="x"
    ),
    "everything wrong": article(title=1, body="", status="x", tag_ids=["x"], x=1),
    "a change of everything to null": send(
        "PATCH", ARTICLE, {"title": None, "body": None, "status": None, "tag_ids": None}
    ),
    "a change of what is not ones own": send("PATCH", ARTICLE, {"author": "{id}"}),
    "a change of somebody else's": send("PATCH", OTHERS, {"title": "Mine"}),
    "a bad change of somebody else's": send("PATCH", OTHERS, {"title": ""}),
    "a change of somebody's draft": send("PATCH", DRAFT, {"title": "Mine"}),
    "a bad change of somebody's draft": send("PATCH", DRAFT, {"title": ""}),
    "a change of nothing": send("PATCH", MISSING, {"title": "x"}),
    "an article that is not there": get(MISSING),
    "somebody's draft": get(DRAFT),
    "somebody's draft by its tag": Case("GET", DRAFT, None, {"If-None-Match": "*"}),
    "to delete somebody else's": Case("DELETE", OTHERS),
    "to delete somebody's draft": Case("DELETE", DRAFT),
    "to delete nothing": Case("DELETE", MISSING),
    "nothing to say": send("POST", COMMENTS, {}),
    "an empty comment": send("POST", COMMENTS, {"body": " "}),
    "a comment too long": send("POST", COMMENTS, {"body": "x" * 5001}),
    "a comment with more": send("POST", COMMENTS, {"body": "x", "author": "{id}", "id": NOBODY}),
    **{
        f"a comment under {parent!r}": send("POST", COMMENTS, {"body": "x", "parent_id": parent})
        for parent in ["x", 1, ["{comment}"], "", NOBODY, "{own}"]
    },
    "a comment on nothing": send("POST", f"{MISSING}/comments", {"body": "x"}),
    "a comment on somebody's draft": send("POST", f"{DRAFT}/comments", {"body": "x"}),
    "a bad comment on nothing": send("POST", f"{MISSING}/comments", {"body": ""}),
    "comments of nothing": get(f"{MISSING}/comments"),
    "comments of somebody's draft": get(f"{DRAFT}/comments"),
    "a comment that is not there": get(f"{OTHERS}/comments/{NOBODY}"),
    "a comment of another article": get(f"{ARTICLE}/comments/{{comment}}"),
    "a change of a comment": send("PATCH", COMMENT, {"body": "Mine"}),
    "a bad change of a comment": send("PATCH", COMMENT, {"body": "", "parent_id": None}),
    "to delete a comment": Case("DELETE", COMMENT),
    "no name for a tag": send("POST", TAGS, {}),
    "a tag that is taken": send("POST", TAGS, {"name": " {TAG} "}),
    **{
        f"a tag like {name!r:.30}": send("POST", TAGS, {"name": name})
        for name in ["", " ", "x" * 51, "İ" * 50, "a\0", "\ud800", None, 1, ["x"]]
    },
    "a tag with more": send("POST", TAGS, {"name": "x", "id": NOBODY}),
    "a tag that is not there": get(f"{TAGS}/{NOBODY}"),
    "a change of a tag": send("PATCH", f"{TAGS}/{{tag}}", {"name": "mine"}),
    "a bad change of a tag": send("PATCH", f"{TAGS}/{{tag}}", {"name": ""}),
    "to delete a tag": Case("DELETE", f"{TAGS}/{{tag}}"),
    "an admin's clash of tags": send("PATCH", f"{TAGS}/{{tag}}", {"name": "{second}"}, "admin"),
    "an admin's change of no tag": send("PATCH", f"{TAGS}/{NOBODY}", {"name": "x"}, "admin"),
    "an admin's deletion of a tag in use": Case("DELETE", f"{TAGS}/{{tag}}", who="admin"),
    "an admin's deletion of no tag": Case("DELETE", f"{TAGS}/{NOBODY}", who="admin"),
    "a profile too long": send("PUT", PROFILE, {"bio": "x" * 2001}),
    **{
        f"a website like {website!r:.30}": send("PUT", PROFILE, {"website": website})
        for website in [
            *[
                "x",
                "ftp://example.org",
                "javascript:alert(1)",
                "https://",
                "//example.org",
                None,
                1,
            ],
            *["https://a b", "https://exa\nmple.org", "https://x/\0", "https://x.org/" + "y" * 187],
        ]
    },
    "a profile with more": send("PUT", PROFILE, {"bio": 1, "updated_at": None, "user": "{id}"}),
}
QUERIES = {
    f"{name} ?{query:.60}": get(f"{path}?{query}")
    for name, path, queries in [
        (
            "articles",
            ARTICLES,
            [
                *[f"page={text}" for text in ["0", "-1", "10001", "x", "", "1.5", "%201", "1_0"]],
                *[
                    f"page={text}"
                    for text in ["%2B1", "%D9%A3", "9" * 18, "9" * 30, "-" + "9" * 30]
                ],
                *["page", "page_size=0", "page_size=101", "page_size=x", "limit=-1", "cursor=x"],
                *["page=1&page=0", "page=0&page_size=0&ordering=x&author=x&x=1", "nope=1", "=1"],
                *["a%2Fb=1", "%00=1", "%ED%A0%80=1", "%FF=1", "page=%FF", "%C3%BC=1", "a%20b=1"],
                *["status=gone", "status=", "status=Draft", "status__in=draft,gone", "status__in="],
                *["status__in=draft,,draft", "status__not=draft", "author=x", "author="],
                *[f"author={NOBODY.replace('-', '')}", "tag=%00", "search=", "search=%20"],
                *["search=" + "x" * 101, "search=a%00b", "ordering=body", "ordering="],
                *["ordering=title,-id", "ordering=--title", "ordering=id", "ordering=-"],
                *["published_at__isnull=1", "published_at__isnull=True", "published_at__isnull="],
                *["created_at__gte=yesterday", "created_at__gte=2026-01-01", "created_at__gte="],
                *["created_at__gte=2026-13-01T00:00:00Z", "created_at__gte=2026-01-01T00:00:00"],
                *["created_at__lt=0000-01-01T00:00:00Z", "created_at__lt=2026-02-30T00:00:00Z"],
                *["created_at__lt=2026-01-01T00:00:00%2B25:00", "created_at__lt=1767225600"],
                *[
                    "created_at__lt=2026-01-01T00:00:00+00:00",
                    "created_at__lt=2026-01-01T24:00:00Z",
                ],
                *[
                    "created_at__gt=2026-01-01T00:00:00Z",
                    "title=x",
                    "password=x",
                    "author__email=x",
                ],
            ],
        ),
        (
            "comments",
            COMMENTS,
            [
                *["cursor=x", "cursor=%00", "cursor={altered}", "cursor={foreign}", "limit=1"],
                *["cursor=" + "x" * 501, "page_size=0", "page_size=101", "page=1", "ordering=id"],
            ],
        ),
        (
            "tags",
            TAGS,
            [
                *["limit=-1", "limit=0", "limit=101", "limit=x", "offset=-1", "offset=10001"],
                *[
                    "offset=x",
                    "limit=&offset=",
                    "page=1",
                    "cursor=x",
                    "limit=5&limit=0",
                    "search=x",
                ],
            ],
        ),
    ]
    for query in queries
}
CASES = ROUTES | CALLERS | BODIES | FIELDS | QUERIES


class Scene(NamedTuple):
    """Who and what is there when a request comes."""

    people: dict[str, httpx.Client]
    names: dict[str, str]

    def fill(self, text: str) -> str:
        """Put the names of this run into a text."""
        for name, value in self.names.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def ask(self, case: Case) -> httpx.Response:
        """Send a request; bytes that are no text are sent as they are."""
        content = case.content
        if content:
            content = self.fill(content.decode("latin-1")).encode("latin-1")
        path, client = self.fill(case.path), self.people[case.who]
        headers = {name: self.fill(value) for name, value in case.headers.items()}
        return client.request(case.method, path, content=content, headers=headers)


@pytest.fixture(scope="module")
def scene(
    api: Role,
    guest: httpx.Client,
    newcomer: Callable[[], Person],
    author: Person,
    admin: Person,
    superuser: Person,
    sql: Sql,
) -> Scene:
    """Return two who write, an admin, some who cannot come in, and what they made."""
    other, left, inactive, ended = newcomer(), newcomer(), newcomer(), newcomer()
    used = ended.tokens["refresh_token"]
    for _ in range(2):
        guest.post(REFRESH, json={"refresh_token": used})
    left.http.delete(ME)
    sql("UPDATE accounts_user SET is_active = false WHERE id = %(id)s", id=inactive.id)
    tag, second = author.tag(), author.tag()
    own = author.write(tag_ids=[tag["id"]])
    others = other.write()
    comments = [other.comment(others) for _ in range(3)]
    theirs = author.comment(own)
    author.comment(own)

    def cursor(article: Thing) -> str:
        page = author.http.get(comments_of(article), params={"page_size": 1}).json()
        return str(page["next"]).rpartition("cursor=")[2].partition("&")[0]

    cut = cursor(others)
    names = {
        "article": own["id"],
        "draft": other.write(status="draft")["id"],
        "others": others["id"],
        "comment": comments[0]["id"],
        "own": theirs["id"],
        "tag": tag["id"],
        "TAG": tag["name"].upper(),
        "second": second["name"],
        "id": author.id,
        "email": author.email,
        "superuser": superuser.id,
        "access": author.tokens["access_token"],
        "refresh": author.tokens["refresh_token"],
        "ended": ended.tokens["access_token"],
        "used": used,
        "shut": inactive.tokens["refresh_token"],
        "inactive": inactive.email,
        "altered": cut[:9] + ("A" if cut[9] != "A" else "B") + cut[10:],
        "foreign": cursor(own),
    }
    people = {"author": author, "admin": admin, "left": left, "inactive": inactive}
    return Scene({"guest": guest} | {name: who.http for name, who in people.items()}, names)


Record = Callable[[str, Thing], None]


@pytest.fixture(scope="module")
def record(request: pytest.FixtureRequest) -> Iterator[Record]:
    """Return a function that compares what was found with what is recorded, or records it."""
    writes = request.config.getoption("--write-golden", default=False)
    recorded: dict[str, Any] = {} if writes else json.loads(FILE.read_text())

    def look(name: str, found: Thing) -> None:
        if writes:
            recorded[name] = found
        # A text of it tells the order of keys as well.
        assert compact(found) == compact(recorded.get(name))

    yield look
    if writes:
        rows = (f"{compact(name)}: {compact(found)}" for name, found in recorded.items())
        FILE.write_text("{\n" + ",\n".join(rows) + "\n}\n")


def told(status: int, headers: httpx.Headers, text: str) -> Thing:
    """Return what an answer says, without what differs from run to run."""
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text)
    found: Thing = {
        "status": status,
        "headers": {key: re.sub(*MASKS[1], headers[key]) for key in HEADERS if key in headers},
        "body": json.loads(text) if text else None,
    }
    assert text == (compact(found["body"]) if text else ""), "it is JSON without blanks"
    return found


def compact(value: object) -> str:
    """Return JSON as the services write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("name", CASES)
def test_a_failure_is_the_same_everywhere(scene: Scene, record: Record, name: str) -> None:
    """Status, headers and body, in the order of its keys; and it tells nothing internal."""
    case = CASES[name]
    answer = scene.ask(case)
    assert answer.status_code >= 400
    assert not INTERNALS.search(answer.text)
    assert len(answer.headers.get_list("X-Request-ID")) == 1
    if case.method != "HEAD":
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    record(name, told(answer.status_code, answer.headers, answer.text))


@pytest.mark.parametrize("way", ["by its length", "in parts"])
@pytest.mark.parametrize("path", [REGISTER, ARTICLES, "/nowhere", "/"])
def test_a_body_too_large_is_refused_before_it_is_kept(
    api: Role, record: Record, path: str, way: str
) -> None:
    """Whatever the path: by what its length says, or as soon as a byte too many is there."""
    with closing(HTTPConnection(urlsplit(api.url).netloc, timeout=10)) as connection:
        connection.putrequest("POST", path)
        connection.putheader("Content-Type", JSON)
        if way == "by its length":
            connection.putheader("Content-Length", str(LARGEST + 1))
            connection.endheaders()
        else:
            connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders()
            parts = [b"%x\r\n" % size + b" " * size + b"\r\n" for size in (LARGEST, 1)]
            connection.send(b"".join(parts) + b"0\r\n\r\n")
        answer = connection.getresponse()
        text, headers = answer.read().decode(), httpx.Headers(answer.getheaders())
    assert json.loads(text)["request_id"] == headers["X-Request-ID"]
    record(f"too large {way}: {path}", told(answer.status, headers, text))


def test_an_answer_is_the_same_everywhere(
    api: Role, record: Record, newcomer: Callable[[], Person], admin: Person
) -> None:
    """What goes right has the same form to the byte, too."""
    with new_client(api.url) as guest:
        email = f"{unheard_of()}@example.org"
        steps = {"register": guest.post(REGISTER, json={"email": email, "password": PASSWORD})}
        steps["token"] = guest.post(TOKEN, json={"email": email, "password": PASSWORD})
        steps["refresh"] = guest.post(
            REFRESH, json={"refresh_token": steps["token"].json()["refresh_token"]}
        )
        other = {"refresh_token": newcomer().tokens["refresh_token"]}
        steps["logout"] = guest.post(REVOKE, json=other)
        steps["logout with nothing"] = guest.post(REVOKE, json={"refresh_token": "x"})
        steps["root"], steps["config"] = guest.get("/"), guest.get("/api/config")
        token = steps["token"].json()["access_token"]
    person = newcomer()
    steps["user"] = admin.http.get(user_of(person))
    steps["roles"] = admin.http.put(roles_of(person), json={"roles": ["support"]})
    steps["no roles"] = admin.http.put(roles_of(person), json={"roles": []})
    steps["unchanged"] = admin.http.patch(user_of(person), json={})
    steps["shut out"] = admin.http.patch(user_of(person), json={"is_active": False})
    steps["a user's head"] = admin.http.head(user_of(person))
    words = {"current_password": PASSWORD, "new_password": "another horse staple"}
    steps["password"] = newcomer().http.post(CHANGE_PASSWORD, json=words)
    with new_client(api.url, headers=bearer(token)) as me:
        word = unheard_of()
        tag = me.post(TAGS, json={"name": word})
        content = {"title": f"Ünï 🐎 & {word}", "body": "\"'\\ \n</script>"}
        written = me.post(ARTICLES, json=content | {"tag_ids": [tag.json()["id"]]})
        place, comments = place_of(written.json()), comments_of(written.json())
        steps |= {"me": me.get(ME), "renamed": me.patch(ME, json={"full_name": "Ada Ö."})}
        steps |= {"tag": tag, "written": written}
        steps["published"] = me.patch(place, json={"status": "published"})
        steps |= {"article": me.get(place), "articles": me.get(f"{ARTICLES}?search={word}")}
        steps["comment"] = me.post(comments, json={"body": "Hm."})
        parent = steps["comment"].json()["id"]
        steps["reply"] = me.post(comments, json={"body": "Hm?", "parent_id": parent})
        steps["comments"] = me.get(f"{comments}?page_size=1")
        steps["no articles"] = me.get(f"{ARTICLES}?tag=nobody&page=2&page_size=3&author={NOBODY}")
        steps["not modified"] = me.get(
            place, headers={"If-None-Match": steps["article"].headers["ETag"]}
        )
        steps["one tag"] = me.get(f"{TAGS}/{tag.json()['id']}")
        steps["no tags"] = me.get(f"{TAGS}?limit=7&offset=9999")
        steps["no profile"] = me.get(PROFILE)
        steps["profile"] = me.put(PROFILE, json={"bio": "…", "website": "https://example.org"})
        steps["head"] = me.head(place)
        steps["deleted"] = me.delete(place)
        steps["left"] = me.delete(ME)
    for name, answer in steps.items():
        assert answer.status_code < 400, (name, answer.text)
        record(f"good: {name}", told(answer.status_code, answer.headers, answer.text))


TABLES = ["articles_article", "articles_articletag", "articles_comment", "articles_tag"]
TABLES += ["profiles_profile", "access_token_family", "access_role_grant"]
# Keys are told with what becomes of a row whose key goes; checks and defaults by that they exist.
SHAPE = {
    "columns": """
        SELECT attname, format_type(atttypid, atttypmod), attnotnull, atthasdef FROM pg_attribute
        WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname
    """,
    "constraints": """
        SELECT conname, CASE contype WHEN 'c' THEN 'CHECK' ELSE pg_get_constraintdef(oid) END
        FROM pg_constraint WHERE conrelid = %(table)s::regclass AND contype <> 'n' ORDER BY conname
    """,
    "indexes": "SELECT indexname FROM pg_indexes WHERE tablename = %(table)s ORDER BY indexname",
}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_the_same_everywhere(sql: Sql, record: Record, table: str) -> None:
    """Names are those of one convention, and the rules of deletion are the database's own."""
    shape = {part: sql(query, table=table) for part, query in SHAPE.items()}
    for [name, *_] in shape["constraints"] + shape["indexes"]:
        assert re.fullmatch(rf"{table}_(\w+_)?(pkey|key|fkey|check|idx)", name)
    record(f"table: {table}", shape)


def test_nothing_is_recorded_in_vain() -> None:
    """What no test asks for any more is not kept."""
    others = re.compile(r"(good|table|too large by its length|too large in parts): .+")
    recorded = json.loads(FILE.read_text()).keys()
    assert [name for name in recorded - CASES.keys() if not others.fullmatch(name)] == []
