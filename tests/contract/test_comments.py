"""Comments: a list that is read by cursor while it changes, replies, and who may change what."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.contract.conftest import Sql
from tests.contract.people import (
    ME,
    NOBODY,
    Person,
    Thing,
    comments_of,
    faults,
    made,
    place_of,
)
from tests.contract.test_http import assert_is_problem

KEYS = ["id", "body", "author", "parent_id", "created_at", "updated_at"]


def page(person: Person, path: str, size: int = 0) -> tuple[list[str], Thing]:
    """Return what the comments of a page say, and the page."""
    answer = person.http.get(path, params={"page_size": size} if size else None)
    assert answer.status_code == 200, answer.text
    found: Thing = answer.json()
    assert list(found) == ["next", "previous", "results"]
    return [comment["body"] for comment in found["results"]], found


def cursor_of(link: str) -> str:
    """Return the cursor in a link."""
    return parse_qs(urlsplit(link).query)["cursor"][0]


def at(path: str, comment: Thing) -> str:
    """Return the path of a comment in a list."""
    return f"{path}/{comment['id']}"


@pytest.fixture
def thread(author: Person, reader: Person) -> tuple[str, list[Thing]]:
    """Return the path of comments 1 to 5 of an article, and the comments."""
    article = author.write()
    return comments_of(article), [reader.comment(article, body=text) for text in "12345"]


def test_comments_come_oldest_first_and_by_cursor(
    author: Person, thread: tuple[str, list[Thing]]
) -> None:
    """Links lead forth and back, keep the page size, and name no host."""
    path, comments = thread
    assert list(comments[0]) == KEYS
    assert page(author, path)[1] == {"next": None, "previous": None, "results": comments}
    texts, first = page(author, path, 2)
    assert (texts, first["previous"]) == (["1", "2"], None)
    assert first["next"].startswith(f"{path}?")
    texts, second = page(author, first["next"])
    assert texts == ["3", "4"]
    texts, third = page(author, second["next"])
    assert (texts, third["next"]) == (["5"], None)
    texts, back = page(author, third["previous"])
    assert texts == ["3", "4"]
    texts, start = page(author, back["previous"])
    assert (texts, start["previous"]) == (["1", "2"], None)
    assert page(author, start["next"])[0] == ["3", "4"]


def test_rows_that_come_and_go_are_neither_lost_nor_repeated(
    author: Person, reader: Person, thread: tuple[str, list[Thing]]
) -> None:
    """A page begins where the last one ended, even if the row there is gone."""
    path, comments = thread
    article = {"id": path.split("/")[-2]}
    _, first = page(author, path, 2)
    assert reader.http.delete(at(path, comments[1])).status_code == 204
    reader.comment(article, body="6")
    texts, second = page(author, first["next"])
    assert texts == ["3", "4"]
    assert reader.http.delete(at(path, comments[2])).status_code == 204
    texts, third = page(author, second["next"])
    assert (texts, third["next"]) == (["5", "6"], None)
    reader.comment(article, body="7")
    texts, back = page(author, third["previous"])
    assert texts == ["1", "4"]
    assert back["previous"] is None or page(author, back["previous"])[0] == []
    assert page(author, back["next"])[0] == ["5", "6"]
    for comment in comments[:1] + comments[3:]:
        assert reader.http.delete(at(path, comment)).status_code == 204
    assert page(author, first["next"])[0] == ["6", "7"]
    assert page(author, back["previous"] or path)[0] in ([], ["6", "7"])


def test_comments_of_one_moment_have_an_order_too(
    author: Person, thread: tuple[str, list[Thing]], sql: Sql
) -> None:
    """Their ids break the tie, forth and back."""
    path, comments = thread
    change = "UPDATE articles_comment SET created_at = '2026-01-01Z' WHERE article_id = %(id)s"
    sql(change, id=path.split("/")[-2])
    expected = [comment["body"] for comment in sorted(comments, key=lambda found: found["id"])]
    texts, found = page(author, path, 1)
    walked = list(texts)
    while found["next"]:
        texts, found = page(author, found["next"])
        walked += texts
    assert walked == expected
    returned = list(texts)
    while found["previous"]:
        texts, found = page(author, found["previous"])
        returned = texts + returned
    assert returned == expected


def test_a_cursor_is_good_for_its_list_only(
    author: Person, thread: tuple[str, list[Thing]]
) -> None:
    """What we did not make, or not for this list, is refused whatever it is."""
    path, _ = thread
    cursor = cursor_of(page(author, path, 2)[1]["next"])
    other = author.write()
    altered = [cursor[:n] + ("A" if cursor[n] != "A" else "B") + cursor[n + 1 :] for n in (0, 9)]
    altered += [cursor[:-4], cursor + "AAAA", cursor[::-1], "x", "é", "'", "AAAA" * 20]
    for bad in [*altered, cursor.upper()]:
        refused = author.http.get(path, params={"cursor": bad})
        assert faults(refused) == {"?cursor": "invalid_cursor"}, bad
    foreign = author.http.get(comments_of(other), params={"cursor": cursor})
    assert faults(foreign) == {"?cursor": "invalid_cursor"}
    long = author.http.get(path, params={"cursor": "x" * 501})
    assert faults(long) == {"?cursor": "too_long"}
    assert author.http.get(path, params={"cursor": ""}).status_code == 200


def test_a_reply_belongs_to_a_comment_of_the_same_article(author: Person) -> None:
    """It names what it replies to, and goes with it."""
    article, other = author.write(), author.write()
    first, foreign = author.comment(article), author.comment(other)
    reply = author.comment(article, parent_id=first["id"])
    last = author.comment(article, parent_id=reply["id"], body="To a reply.")
    assert (first["parent_id"], reply["parent_id"]) == (None, first["id"])
    assert author.comment(article, parent_id=None)["parent_id"] is None
    for unfit in (foreign["id"], NOBODY):
        content = {"body": "Hm.", "parent_id": unfit}
        refused = author.http.post(comments_of(article), json=content)
        assert faults(refused) == {"#/parent_id": "not_found"}
    assert author.http.delete(at(comments_of(article), first)).status_code == 204
    for gone in (reply, last):
        found = author.http.get(at(comments_of(article), gone))
        assert_is_problem(found, 404, "not_found")
    assert len(page(author, comments_of(article))[0]) == 1


def test_a_comment_is_changed_by_its_author_and_admins(
    newcomer: Callable[[], Person], author: Person, reader: Person, admin: Person
) -> None:
    """The article's author is none of them; what changes is the body and the time."""
    article = author.write()
    comment = reader.comment(article)
    path = at(comments_of(article), comment)
    for person in (author, newcomer()):
        assert_is_problem(person.http.patch(path, json={"body": "Mine"}), 403, "forbidden")
        assert_is_problem(person.http.delete(path), 403, "forbidden")
        assert person.http.get(path).json() == comment
    for person, text in ((reader, "Better"), (admin, "Best")):
        changed = person.http.patch(path, json={"body": f" {text} "})
        assert changed.status_code == 200
        fresh = {"body": text, "updated_at": changed.json()["updated_at"]}
        assert changed.json() == comment | fresh
        assert changed.json()["updated_at"] > comment["updated_at"]
    assert reader.http.patch(path, json={}).status_code == 200
    assert faults(reader.http.patch(path, json={"parent_id": None})) == {
        "#/parent_id": "unknown_field"
    }
    assert admin.http.delete(path).status_code == 204
    assert_is_problem(reader.http.get(path), 404, "not_found")


def test_a_comment_without_an_author_is_an_admins(
    newcomer: Callable[[], Person], author: Person, admin: Person
) -> None:
    """Nobody else owns what somebody left behind."""
    article, person = author.write(), newcomer()
    path = at(comments_of(article), person.comment(article))
    assert person.http.delete(ME).status_code == 204
    assert author.http.get(path).json()["author"] is None
    assert_is_problem(author.http.patch(path, json={"body": "Mine"}), 403, "forbidden")
    assert admin.http.patch(path, json={"body": "Removed."}).status_code == 200
    assert admin.http.delete(path).status_code == 204


def test_a_comment_is_found_under_its_article_only(author: Person, reader: Person) -> None:
    """Another article's path does not lead to it, and an article that hides hides it."""
    article, other = author.write(), author.write()
    comment = reader.comment(article)
    for path in (comments_of(other), comments_of({"id": NOBODY})):
        for method in ("GET", "PATCH", "DELETE"):
            content = {"body": "Hm."} if method == "PATCH" else None
            answer = reader.http.request(method, at(path, comment), json=content)
            assert_is_problem(answer, 404, "not_found")
    author.http.patch(place_of(article), json={"status": "draft"})
    path = at(comments_of(article), comment)
    assert_is_problem(reader.http.get(path), 404, "not_found")
    assert_is_problem(reader.http.delete(path), 404, "not_found")
    assert author.http.get(path).status_code == 200


def test_comments_go_with_their_article(author: Person, reader: Person, sql: Sql) -> None:
    """And so do its links to tags, whoever deletes it."""
    tag = author.tag()
    article = author.write(tag_ids=[tag["id"]])
    first = reader.comment(article)
    reader.comment(article, parent_id=first["id"])
    assert author.http.delete(place_of(article)).status_code == 204
    for table in ("articles_comment", "articles_articletag"):
        query = f"SELECT 1 FROM {table} WHERE article_id = %(id)s"  # noqa: S608 - two names
        assert sql(query, id=article["id"]) == []
    assert made(author.http.post(comments_of(author.write()), json={"body": "x" * 5000}))
