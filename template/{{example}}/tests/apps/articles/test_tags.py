"""Tags over HTTP: everybody makes them, admins look after them."""

from typing import Any

import pytest

from tests.apps.articles.conftest import Publish, Tag
from tests.apps.articles.factories import TagFactory
from tests.support import Client, Login, Make, MakeUser, faults, refusal

pytestmark = pytest.mark.integration

TAGS = "/api/v1/tags"


@pytest.fixture
def headers(make_user: MakeUser, login: Login) -> dict[str, str]:
    """Return the headers of somebody who is nobody special."""
    return login(make_user())


@pytest.fixture
def admin(make_user: MakeUser, login: Login) -> dict[str, str]:
    """Return the headers of an admin."""
    return login(make_user(is_staff=True))


def at(tag: Any) -> str:
    return f"{TAGS}/{tag.id}"


def test_a_tag_is_made(data_client: Client, headers: dict[str, str]) -> None:
    """Its name is kept in lower case."""
    answer = data_client.post(TAGS, json={"name": " Poetry "}, headers=headers)
    assert answer.status_code == 201
    made = answer.json()
    assert list(made) == ["id", "name"]
    assert made["name"] == "poetry"
    assert answer.headers["Location"] == f"{TAGS}/{made['id']}"
    assert data_client.get(answer.headers["Location"], headers=headers).json() == made


def test_a_bad_tag(data_client: Client, headers: dict[str, str], subtests: pytest.Subtests) -> None:
    """What counts is the length of what is stored."""
    bad: list[tuple[object, dict[str, str]]] = [
        ({}, {"#/name": "required"}),
        ({"name": None}, {"#/name": "invalid_type"}),
        ({"name": " "}, {"#/name": "too_short"}),
        ({"name": "x" * 51}, {"#/name": "too_long"}),
        ({"name": "x\x00"}, {"#/name": "invalid_characters"}),
        ({"name": "İ" * 50}, {"#/name": "too_long"}),
        ({"name": "x", "articles": 1}, {"#/articles": "unknown_field"}),
    ]
    for body, expected in bad:
        with subtests.test(body=body):
            assert faults(data_client.post(TAGS, json=body, headers=headers)) == expected


def test_a_name_is_taken_once(
    data_client: Client, headers: dict[str, str], admin: dict[str, str], make: Make
) -> None:
    """In whatever case it comes, by a new tag and by a change; its own name is free."""
    taken, other = make(TagFactory, name="poetry"), make(TagFactory)
    answer = data_client.post(TAGS, json={"name": "POETRY"}, headers=headers)
    refusal(answer, 409, "tag_taken")
    answer = data_client.patch(at(other), json={"name": "Poetry"}, headers=admin)
    refusal(answer, 409, "tag_taken")
    answer = data_client.patch(at(taken), json={"name": "POETRY"}, headers=admin)
    assert answer.json() == {"id": str(taken.id), "name": "poetry"}


@pytest.mark.security
def test_only_admins_change_a_tag(
    data_client: Client, headers: dict[str, str], admin: dict[str, str], make: Make
) -> None:
    """It is on other people's articles."""
    tag = make(TagFactory)
    refusal(data_client.patch(at(tag), json={"name": "x"}, headers=headers), 403, "forbidden")
    refusal(data_client.delete(at(tag), headers=headers), 403, "forbidden")
    assert data_client.get(at(tag), headers=headers).json()["name"] == tag.name
    changed = data_client.patch(at(tag), json={"name": "Renamed"}, headers=admin)
    assert changed.json() == {"id": str(tag.id), "name": "renamed"}
    assert data_client.patch(at(tag), json={}, headers=admin).json() == changed.json()
    assert data_client.delete(at(tag), headers=admin).status_code == 204
    refusal(data_client.get(at(tag), headers=headers), 404, "not_found")


def test_a_tag_in_use_stays(
    data_client: Client, admin: dict[str, str], make: Make, publish: Publish, tag: Tag
) -> None:
    """Until the last article lost it."""
    article, used = publish(), make(TagFactory)
    tag(article, used)
    refusal(data_client.delete(at(used), headers=admin), 409, "in_use")
    data_client.patch(f"/api/v1/articles/{article.id}", json={"tag_ids": []}, headers=admin)
    assert data_client.delete(at(used), headers=admin).status_code == 204


def test_a_tag_that_is_known_already(
    data_client: Client, headers: dict[str, str], admin: dict[str, str], make: Make
) -> None:
    """Is not sent again until it changes; an article that shows it changes too."""
    tag = make(TagFactory)
    answer = data_client.get(at(tag), headers=headers)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    known = headers | {"If-None-Match": answer.headers["ETag"]}
    again = data_client.get(at(tag), headers=known)
    assert (again.status_code, again.content) == (304, b"")
    data_client.patch(at(tag), json={"name": "renamed"}, headers=admin)
    assert data_client.get(at(tag), headers=known).json()["name"] == "renamed"


def test_a_renamed_tag_renews_its_articles(
    data_client: Client,
    headers: dict[str, str],
    admin: dict[str, str],
    make: Make,
    publish: Publish,
    tag: Tag,
) -> None:
    """What is shown of them has changed."""
    article, label = publish(), make(TagFactory)
    tag(article, label)
    path = f"/api/v1/articles/{article.id}"
    known = {"If-None-Match": data_client.get(path, headers=headers).headers["ETag"]}
    data_client.patch(at(label), json={"name": "renamed"}, headers=admin)
    found = data_client.get(path, headers=headers | known)
    assert found.status_code == 200
    assert found.json()["tags"][0]["name"] == "renamed"


def test_tags_come_by_name(data_client: Client, headers: dict[str, str], make: Make) -> None:
    """20 unless asked, and links to what is before and behind."""
    names = [f"tag-{number:02}" for number in range(25)]
    for name in reversed(names):
        make(TagFactory, name=name)
    first = data_client.get(TAGS, headers=headers).json()
    assert list(first) == ["next", "previous", "results"]
    assert [each["name"] for each in first["results"]] == names[:20]
    assert (first["next"], first["previous"]) == (f"{TAGS}?offset=20", None)
    second = data_client.get(first["next"], headers=headers).json()
    assert [each["name"] for each in second["results"]] == names[20:]
    assert (second["next"], second["previous"]) == (None, f"{TAGS}?offset=0")
    part = data_client.get(f"{TAGS}?limit=5&offset=3", headers=headers).json()
    assert [each["name"] for each in part["results"]] == names[3:8]
    assert part["next"] == f"{TAGS}?limit=5&offset=8"
    assert part["previous"] == f"{TAGS}?limit=5&offset=0"
    assert data_client.get(f"{TAGS}?offset=25", headers=headers).json()["results"] == []


def test_a_bad_page(
    data_client: Client, headers: dict[str, str], subtests: pytest.Subtests
) -> None:
    """Bounds are refused by name."""
    bad = [
        ("limit=-1", {"?limit": "too_small"}),
        ("limit=0", {"?limit": "too_small"}),
        ("limit=101", {"?limit": "too_large"}),
        ("offset=-1", {"?offset": "too_small"}),
        ("offset=x", {"?offset": "invalid_type"}),
        ("page=1&name=x", {"?name": "unknown_parameter", "?page": "unknown_parameter"}),
    ]
    for query, expected in bad:
        with subtests.test(query=query):
            assert faults(data_client.get(f"{TAGS}?{query}", headers=headers)) == expected
