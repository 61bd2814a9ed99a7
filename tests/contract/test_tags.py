"""Tags: names that everybody shares, read by limit and offset, looked after by admins."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import pytest

from tests.contract.people import TAGS, Person, Thing, faults, made, place_of, unheard_of
from tests.contract.test_http import assert_is_problem


def at(tag: Thing) -> str:
    """Return the path of a tag."""
    return f"{TAGS}/{tag['id']}"


def test_a_name_is_kept_in_lower_case_and_once(author: Person, reader: Person) -> None:
    """However it is typed, it is the same tag."""
    word = unheard_of()
    answer = author.http.post(TAGS, json={"name": f"  {word.upper()} É "})
    tag = made(answer)
    assert (list(tag), tag["name"]) == (["id", "name"], f"{word} é")
    assert answer.headers["Location"] == at(tag)
    assert reader.http.get(at(tag)).json() == tag
    for name in (f"{word} é", f"{word} É".title()):
        assert_is_problem(reader.http.post(TAGS, json={"name": name}), 409, "tag_taken")


def test_a_name_has_fifty_letters_at_most_once_it_is_kept(author: Person) -> None:
    """Some letters become two in lower case."""
    made(author.http.post(TAGS, json={"name": unheard_of().ljust(50, "ß")}))
    refused = author.http.post(TAGS, json={"name": "İ" * 50})
    assert faults(refused) == {"#/name": "too_long"}


def test_two_who_make_one_tag_at_once_make_one(author: Person) -> None:
    """Whoever comes second is told so, and nobody gets a failure of ours."""
    for _ in range(3):
        name, together = unheard_of(), Barrier(4)

        def make(name: str = name, together: Barrier = together) -> int:
            together.wait()
            return author.http.post(TAGS, json={"name": name}).status_code

        with ThreadPoolExecutor(4) as pool:
            answers = [pool.submit(make) for _ in range(4)]
        assert Counter(answer.result() for answer in answers) == {201: 1, 409: 3}


def test_tags_are_looked_after_by_admins(author: Person, reader: Person, admin: Person) -> None:
    """Whoever made one has no more to say than anybody else."""
    tag, taken = author.tag(), reader.tag()
    for person in (author, reader):
        renaming = person.http.patch(at(tag), json={"name": unheard_of()})
        assert_is_problem(renaming, 403, "forbidden")
        assert_is_problem(person.http.delete(at(tag)), 403, "forbidden")
    name = unheard_of()
    renamed = admin.http.patch(at(tag), json={"name": name.upper()})
    assert (renamed.status_code, renamed.json()) == (200, {"id": tag["id"], "name": name})
    for same in ({}, {"name": name}):
        assert admin.http.patch(at(tag), json=same).json() == renamed.json()
    clash = admin.http.patch(at(tag), json={"name": taken["name"].upper()})
    assert_is_problem(clash, 409, "tag_taken")
    assert admin.http.get(at(tag)).json() == renamed.json()
    assert admin.http.delete(at(tag)).status_code == 204
    assert_is_problem(admin.http.get(at(tag)), 404, "not_found")


def test_a_tag_in_use_stays(author: Person, admin: Person) -> None:
    """It can go as soon as no article has it, drafts included."""
    tag = author.tag()
    article = author.write(status="draft", tag_ids=[tag["id"]])
    assert_is_problem(admin.http.delete(at(tag)), 409, "in_use")
    assert author.http.get(place_of(article)).json()["tags"] == [tag]
    author.http.patch(place_of(article), json={"tag_ids": []})
    assert admin.http.delete(at(tag)).status_code == 204


def test_tags_come_by_name_limit_and_offset(author: Person) -> None:
    """Links lead forth and back and name no host; walking them shows every tag once."""
    made_here = {author.tag()["name"] for _ in range(5)}
    found: list[str] = []
    path: str | None = f"{TAGS}?limit=3"
    pages = []
    while path:
        page = author.http.get(path).json()
        assert list(page) == ["next", "previous", "results"]
        assert len(page["results"]) <= 3
        assert page["next"] is None or page["next"].startswith(f"{TAGS}?")
        pages.append(page)
        found += [tag["name"] for tag in page["results"]]
        path = page["next"]
    assert len(found) == len(set(found))
    assert made_here <= set(found)
    plain = [name for name in found if name.isascii() and name.isalnum()]
    assert plain == sorted(plain)
    assert pages[0]["previous"] is None
    assert author.http.get(pages[1]["previous"]).json()["results"] == pages[0]["results"]
    second = author.http.get(TAGS, params={"limit": 1, "offset": 1}).json()
    assert [tag["name"] for tag in second["results"]] == found[1:2]
    beyond = author.http.get(TAGS, params={"offset": 10_000}).json()
    assert (beyond["next"], beyond["results"]) == (None, [])
    assert len(author.http.get(TAGS, params={"limit": 100}).json()["results"]) >= 5


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=0", {"?limit": "too_small"}),
        ("limit=-1", {"?limit": "too_small"}),
        ("limit=101", {"?limit": "too_large"}),
        ("offset=-1", {"?offset": "too_small"}),
        ("offset=10001", {"?offset": "too_large"}),
        ("limit=x&offset=", {"?limit": "invalid_type", "?offset": "invalid_type"}),
        ("page=1", {"?page": "unknown_parameter"}),
    ],
)
def test_bounds_hold(author: Person, query: str, expected: dict[str, str]) -> None:
    """A list is never longer than asked for, nor deeper than anybody reads."""
    assert faults(author.http.get(f"{TAGS}?{query}")) == expected


def test_a_tag_that_did_not_change_is_not_sent_again(author: Person, admin: Person) -> None:
    """The second look costs a line, until somebody renames it."""
    tag = author.tag()

    def look(etag: str) -> httpx.Response:
        return author.http.get(at(tag), headers={"If-None-Match": etag})

    first = author.http.get(at(tag))
    assert first.headers["ETag"].startswith('W/"')
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = look(first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert admin.http.patch(at(tag), json={"name": unheard_of()}).status_code == 200
    changed = look(first.headers["ETag"])
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]
