"""Two people, an article and what they say about it."""

import uuid

import pytest

from tests.journey import Traveller
from tests.support import Client

pytestmark = pytest.mark.integration

ARTICLES = "/api/v1/articles"


def test_from_a_draft_to_a_discussion(anywhere: Client) -> None:
    """Write, publish, find, read again, comment, answer, refuse, delete."""
    ada, bob = Traveller(anywhere, "ada"), Traveller(anywhere, "bob")
    word = f"engine{uuid.uuid4().hex}"
    ada.does("put", "/api/v1/profiles/me", 200, {"bio": "I count."})

    draft = ada.does("post", ARTICLES, 201, {"title": f"On the {word}", "body": "It computes."})
    path = f"{ARTICLES}/{draft['id']}"
    bob.does("get", path, 404)
    assert bob.does("get", f"{ARTICLES}?search={word}", 200)["count"] == 0

    published = ada.does("patch", path, 200, {"status": "published"})
    assert published["published_at"]
    (found,) = bob.does("get", f"{ARTICLES}?search={word.upper()}", 200)["results"]
    assert found["author"]["full_name"] == "ada"
    assert bob.does("get", path, 200) == published
    etag = bob.client.get(path, headers=bob.headers).headers["ETag"]
    bob.does("get", path, 304, If_None_Match=etag)

    comment = bob.does("post", f"{path}/comments", 201, {"body": "Does it?"})
    answer = {"body": "It does.", "parent_id": comment["id"]}
    ada.does("post", f"{path}/comments", 201, answer)
    first = bob.does("get", f"{path}/comments?page_size=1", 200)
    second = bob.does("get", first["next"], 200)
    bodies = [each["body"] for each in (*first["results"], *second["results"])]
    assert (bodies, second["next"]) == (["Does it?", "It does."], None)
    assert bob.does("get", f"{ARTICLES}/stats", 200)["articles"] >= 1
    bob.does("get", "/api/v1/tags", 200)

    bob.does("patch", path, 403, {"title": "Mine"})
    bob.does("post", f"{path}/comments", 422, {"body": ""})
    ada.does("delete", "/api/v1/users/me", 409)
    ada.does("delete", path, 204)
    bob.does("get", path, 404)
    for each in (ada, bob):
        each.leaves()
