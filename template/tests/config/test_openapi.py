"""The OpenAPI document tells a client everything that it can be answered."""

from collections.abc import Iterator
from typing import Any

import pytest

from config import identity
from config.errors import FIELD_CODES
from config.openapi import METHODS, complete
from tests.support import Client, reviewed

# All others need a token: this list is read before it grows.
PUBLIC = {
    "GET /",
    "GET /api/config",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/token",
    "POST /api/v1/auth/token/refresh",
    "POST /api/v1/auth/token/revoke",
}
Operation = dict[str, Any]


def operations(document: dict[str, Any]) -> Iterator[tuple[str, Operation]]:
    """Yield each operation and its name, for example `GET /api/config`."""
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield f"{method.upper()} {path}", item[method]


def references(value: object) -> Iterator[str]:
    """Yield whatever the document refers to."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolved(document: dict[str, Any], reference: str) -> Any:
    """Return what a reference leads to."""
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    """Return the document that the service answers."""
    answer = client.get("/api/schema")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    found: dict[str, Any] = answer.json()
    return found


def test_every_failure_is_added() -> None:
    """By what an operation is: path, parameters, body, token and method."""
    answer = {"description": "Done."}
    page = {"anyOf": [{"type": "integer", "ge": 1}, {"type": "null"}], "description": "Which."}
    document = complete(
        {
            "paths": {
                "/orders": {
                    "get": {
                        "parameters": [{"name": "page", "in": "query", "schema": page}],
                        "responses": {"200": answer, "422": {"description": "Another."}},
                    },
                    "post": {
                        "requestBody": {},
                        "responses": {"201": dict(answer)},
                    },
                },
                "/orders/{id}": {"delete": {"security": [], "responses": {"204": answer}}},
                "/api/config": {"get": {"security": [{}], "responses": {"200": answer}}},
            }
        }
    )
    found = {name: set(operation["responses"]) for name, operation in operations(document)}
    always = {"400", "405", "429", "500", "503"}
    assert found == {
        "GET /orders": {"200", "401", "422"} | always,
        "POST /orders": {"201", "401", "403", "409", "413", "415", "422"} | always,
        "DELETE /orders/{id}": {"204", "401", "403", "404", "409"} | always,
        "GET /api/config": {"200"} | always,
    }
    for _, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                (kind,) = response["content"]
                assert kind == "application/problem+json"
    orders = document["paths"]["/orders"]
    assert orders["get"]["responses"]["200"] == answer
    assert list(orders["post"]["responses"]["201"]["headers"]) == ["Location"]
    asked = orders["get"]["parameters"][0]["schema"]
    assert asked == {"type": "integer", "minimum": 1, "description": "Which."}


def test_the_document_says_what_it_is_of(document: dict[str, Any]) -> None:
    """Title, version and a description."""
    assert document["openapi"].startswith("3.")
    info = document["info"]
    assert (info["title"], info["version"]) == (identity.TITLE, identity.VERSION)
    assert info["description"]


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    """With a summary, a tag, an id of its own, and a failure for each status."""
    found = dict(operations(document))
    assert len(found) > len(PUBLIC)
    for name, operation in found.items():
        assert operation["summary"], name
        assert operation["tags"], name
        assert {"400", "405", "429", "500", "503"} <= operation["responses"].keys(), name
        assert any(status < "400" for status in operation["responses"]), name
    ids = [operation["operationId"] for operation in found.values()]
    assert len(ids) == len(set(ids))


@pytest.mark.security
def test_what_needs_no_token_is_a_fixed_list(document: dict[str, Any]) -> None:
    """A route that somebody forgot to protect is found here."""
    public = {name for name, operation in operations(document) if not operation.get("security")}
    assert public <= PUBLIC | reviewed()


@pytest.mark.security
@pytest.mark.integration
def test_nothing_else_answers_without_a_token(data_client: Client) -> None:
    """What the document says is so: 401 before anything else is looked at."""
    document = data_client.get("/api/schema").json()
    nobody = "00000000-0000-0000-0000-000000000000"
    for name, operation in operations(document):
        if operation.get("security"):
            method, path = name.split()
            names = [parameter["name"] for parameter in operation.get("parameters", [])]
            path = path.format(**dict.fromkeys(names, nobody))
            answer = getattr(data_client, method.lower())(path)
            assert answer.status_code == 401, name
            assert answer.json()["code"] == "not_authenticated"
            assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_document_is_whole(document: dict[str, Any]) -> None:
    """Each reference leads somewhere, and the failure's schema is the one that is answered."""
    assert all(resolved(document, reference) for reference in references(document))
    schemas = document["components"]["schemas"]
    assert schemas["FieldError"]["properties"]["code"]["enum"] == sorted(FIELD_CODES)
    assert list(document["components"]["securitySchemes"]) == ["bearer"]


def test_bodies_are_json_objects(document: dict[str, Any]) -> None:
    """With their fields named."""
    for name, operation in operations(document):
        if body := operation.get("requestBody"):
            assert list(body["content"]) == ["application/json"], name
            schema = body["content"]["application/json"]["schema"]
            assert resolved(document, schema["$ref"])["properties"], name
