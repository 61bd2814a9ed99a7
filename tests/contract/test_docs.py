"""The OpenAPI document and its page: complete, valid, and served from here alone."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from openapi_spec_validator import validate

from tests.contract.people import (
    ARTICLES,
    CHANGE_PASSWORD,
    ME,
    PROFILE,
    REFRESH,
    REGISTER,
    REVOKE,
    STATS,
    TAGS,
    TOKEN,
    USERS,
)
from tests.contract.test_http import assert_is_problem
from tests.harness.roles import Role

DOCS, SCHEMA = "/api/docs", "/api/schema"
PUBLIC = {("get", "/"), ("get", "/api/config"), ("post", REGISTER)}
PUBLIC |= {("post", path) for path in (TOKEN, REFRESH, REVOKE)}
OPERATIONS = PUBLIC | {
    (method, path)
    for path, methods in {
        CHANGE_PASSWORD: "post",
        ME: "get patch delete",
        f"{USERS}/{{user_id}}": "get patch",
        f"{USERS}/{{user_id}}/roles": "put",
        ARTICLES: "get post",
        STATS: "get",
        f"{ARTICLES}/{{article_id}}": "get patch delete",
        f"{ARTICLES}/{{article_id}}/comments": "get post",
        f"{ARTICLES}/{{article_id}}/comments/{{comment_id}}": "get patch delete",
        TAGS: "get post",
        f"{TAGS}/{{tag_id}}": "get patch delete",
        PROFILE: "get put",
    }.items()
    for method in methods.split()
}
METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}


class References(HTMLParser):
    """The addresses that a page makes a browser fetch."""

    def __init__(self, page: str) -> None:
        """Read a page."""
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what is fetched."""
        kept = ("src", "href", "srcset", "action", "data")
        self.found += [value for name, value in attrs if name in kept and value]


@pytest.fixture(scope="module")
def document(guest: httpx.Client) -> dict[str, Any]:
    """Return the OpenAPI document."""
    answer = guest.get(SCHEMA)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].partition(";")[0] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return each operation by its method and path."""
    return {
        (method, path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def test_the_page_has_everything_from_here(guest: httpx.Client) -> None:
    """It works on a network of its own: no other host is asked for anything."""
    page = guest.get(DOCS)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert not re.search(r"(https?:)?//[\w-]", page.text)
    fetched = [ref for ref in References(page.text).found if not ref.startswith("data:")]
    assert {urlsplit(ref).path.rpartition(".")[2] for ref in fetched} == {"js", "css"}
    for reference in fetched:
        address = urljoin(DOCS, reference)
        assert re.fullmatch(r"/api/docs/[\w.-]+\.[0-9a-f]{8,}\.(js|css)", address)
        asset = guest.get(address)
        assert asset.status_code == 200
        assert asset.content
        assert "immutable" in asset.headers["Cache-Control"]
        kind = asset.headers["Content-Type"].partition(";")[0]
        assert kind == ("text/css" if address.endswith("css") else "text/javascript")
        if kind == "text/css":
            assert not re.search(r"url\(\s*[\"']?(https?:)?//|@import", asset.text)
    start = guest.get(urljoin(DOCS, fetched[-1])).text
    assert SCHEMA in start


def test_an_asset_by_another_name_is_not_there(guest: httpx.Client) -> None:
    """A name has the hash of what it names, so another one names nothing."""
    [name, *_] = References(guest.get(DOCS).text).found[1:]
    other = re.sub(r"\.[0-9a-f]{8,}\.", ".000000000000.", name)
    for path in (other, f"{DOCS}/swagger-ui.css", f"{DOCS}/"):
        assert_is_problem(guest.get(path), 404, "not_found")


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    """Every generator and every gateway can read it."""
    assert document["openapi"].startswith("3.")
    validate(document)


def test_the_document_has_every_route_and_no_other(document: dict[str, Any]) -> None:
    """What is public is so on purpose."""
    found = operations(document)
    assert found.keys() - {("get", SCHEMA), ("get", DOCS)} == OPERATIONS
    open_to_all = {key for key, operation in found.items() if not operation.get("security")}
    assert open_to_all - {("get", SCHEMA), ("get", DOCS)} == PUBLIC


def test_every_success_is_documented(document: dict[str, Any]) -> None:
    """What is made is a 201 with its place, what is deleted leaves nothing to say."""
    for (method, path), operation in operations(document).items():
        answers = {status for status in operation["responses"] if int(status) < 400}
        made = method == "post" and path not in (TOKEN, REFRESH, REVOKE, CHANGE_PASSWORD)
        silent = method == "delete" or path in (REVOKE, CHANGE_PASSWORD)
        expected = {"201" if made else "204" if silent else "200"}
        cached = method == "get" and re.fullmatch(r"/api/v1/(articles|tags)/\{\w+\}", path)
        assert answers == expected | ({"304"} if cached else set()), (method, path)
        if made:
            assert "Location" in operation["responses"]["201"]["headers"], path


def test_every_failure_is_documented(document: dict[str, Any]) -> None:
    """As a problem, by every operation that can fail so."""
    for (method, path), operation in operations(document).items():
        answers = operation["responses"]
        expected = {"400", "500", "503"}
        expected |= {"401"} if operation.get("security") or path in (TOKEN, REFRESH) else set()
        expected |= {"403"} if path.startswith(f"{USERS}/{{") else set()
        expected |= {"404"} if "{" in path else set()
        expected |= {"413", "415", "422"} if "requestBody" in operation else set()
        assert expected <= answers.keys(), (method, path)
        for status, answer in answers.items():
            if int(status) >= 400:
                assert answer["content"].keys() == {"application/problem+json"}, (method, path)


def test_every_operation_has_a_name_that_is_short(document: dict[str, Any]) -> None:
    """Functions of a generated client are called by it."""
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) and len(name) < 40 for name in names), names


def test_bodies_and_answers_have_shapes_of_their_own(document: dict[str, Any]) -> None:
    """Nothing is an object of whatever."""
    for (method, path), operation in operations(document).items():
        if "requestBody" in operation:
            assert operation["requestBody"]["content"].keys() == {"application/json"}
            assert operation["requestBody"].get("required") is True, (method, path)
        for status, answer in operation["responses"].items():
            if status in ("200", "201"):
                schema = answer["content"]["application/json"]["schema"]
                assert "$ref" in schema or path in ("/", "/api/config"), (method, path)


def test_parameters_are_documented(document: dict[str, Any]) -> None:
    """Every filter, ordering and page that is taken, with its bounds."""

    def named(path: str) -> dict[str, dict[str, Any]]:
        given = document["paths"][path]["get"]["parameters"]
        return {each["name"]: each["schema"] for each in given if each["in"] == "query"}

    articles = named(ARTICLES)
    assert articles.keys() == {
        *["page", "page_size", "status", "status__in", "author", "tag", "created_at__gte"],
        *["created_at__lt", "published_at__isnull", "search", "ordering"],
    }
    assert (articles["page_size"]["minimum"], articles["page_size"]["maximum"]) == (1, 100)
    # Several values go into one text: by default, a client would repeat an array's parameter.
    assert articles["status__in"]["type"] == "string"
    assert named(f"{ARTICLES}/{{article_id}}/comments").keys() == {"cursor", "page_size"}
    assert named(TAGS).keys() == {"limit", "offset"}


def test_production_shows_neither_unless_told(web: Role) -> None:
    """Whoever attacks need not be handed a map."""
    for path in (DOCS, SCHEMA, f"{DOCS}/start.js"):
        assert_is_problem(web.get(path), 404, "not_found")
    assert web.get("/").json()["links"].keys() == {"live", "ready", "health", "config"}
    assert web.get("/api/config").json()["features"] == {"api_docs": False}


def test_where_they_are_shown_the_root_leads_to_them(guest: httpx.Client) -> None:
    """One variable shows them, and whoever looks finds them."""
    links = guest.get("/").json()["links"]
    assert (links["schema"], links["docs"]) == (SCHEMA, DOCS)
    assert guest.get("/api/config").json()["features"] == {"api_docs": True}
