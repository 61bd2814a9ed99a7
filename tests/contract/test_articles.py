"""Articles: who sees and changes which, how lists are cut, filtered and ordered, and caching."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.contract.conftest import Sql
from tests.contract.people import (
    ARTICLES,
    ME,
    NOBODY,
    STATS,
    TAGS,
    Person,
    Thing,
    comments_of,
    faults,
    made,
    place_of,
    unheard_of,
)
from tests.contract.test_http import assert_is_problem

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
KEYS = ["id", "title", "body", "status", "published_at", "author", "tags", "created_at"]
KEYS += ["updated_at"]


def titles(person: Person, **query: Any) -> list[str]:
    """Return the titles that a list shows to somebody."""
    answer = person.http.get(ARTICLES, params=query)
    assert answer.status_code == 200, answer.text
    return [article["title"] for article in answer.json()["results"]]


# Who sees and changes what ----------------------------------------------------------------------


def test_an_article_has_its_keys_in_order(author: Person) -> None:
    """A list leaves the body out, and every instant is written in one way."""
    tag = author.tag()
    article = author.write(tag_ids=[tag["id"]])
    assert list(article) == KEYS
    assert list(article["author"]) == ["id", "full_name"]
    assert list(article["tags"][0]) == ["id", "name"]
    [entry] = author.http.get(ARTICLES, params={"tag": tag["name"]}).json()["results"]
    assert list(entry) == [key for key in KEYS if key != "body"]
    for key in ("published_at", "created_at", "updated_at"):
        assert INSTANT.fullmatch(article[key])
        assert entry[key] == article[key]
    comment = author.comment(article)
    for fresh in (article, comment):
        assert fresh["updated_at"] == fresh["created_at"]


def test_instants_keep_their_six_digits(author: Person, sql: Sql) -> None:
    """A whole second of another zone is written like any other instant."""
    article = author.write()
    change = "UPDATE articles_article SET created_at = '2026-01-01 00:00:00+02' WHERE id = %(id)s"
    sql(change, id=article["id"])
    found = author.http.get(place_of(article)).json()
    assert found["created_at"] == "2025-12-31T22:00:00.000000Z"


def test_a_draft_is_its_authors(author: Person, reader: Person, admin: Person) -> None:
    """Others cannot tell it from nothing, admins see everything."""
    word = unheard_of()
    draft = author.write(title=word, status="draft")
    comment = author.comment(draft)
    assert draft["published_at"] is None
    ways = [
        ("GET", place_of(draft), None),
        ("PATCH", place_of(draft), {"title": "Mine"}),
        ("DELETE", place_of(draft), None),
        ("GET", comments_of(draft), None),
        ("POST", comments_of(draft), {"body": "Hm."}),
        ("GET", f"{comments_of(draft)}/{comment['id']}", None),
        ("DELETE", f"{comments_of(draft)}/{comment['id']}", None),
    ]
    for method, path, body in ways:
        answer = reader.http.request(method, path, json=body)
        assert_is_problem(answer, 404, "not_found")
    for person, seen in ((author, [word]), (admin, [word]), (reader, [])):
        assert titles(person, search=word) == seen
        assert titles(person, search=word, status="draft", author=author.id) == seen
        assert titles(person, search=word, published_at__isnull="true") == seen
    for person in (author, admin):
        assert person.http.get(place_of(draft)).json() == draft
        assert person.http.get(comments_of(draft)).json()["results"] == [comment]


def test_what_is_published_is_read_by_all_and_changed_by_its_author(
    author: Person, reader: Person
) -> None:
    """Whoever sees it may know that it is not theirs."""
    article = author.write()
    assert reader.http.get(place_of(article)).json() == article
    refused = reader.http.patch(place_of(article), json={"title": "Mine"})
    assert_is_problem(refused, 403, "forbidden")
    assert_is_problem(reader.http.delete(place_of(article)), 403, "forbidden")
    wrong = reader.http.patch(place_of(article), json={"title": ""})
    assert faults(wrong) == {"#/title": "too_short"}
    assert author.http.get(place_of(article)).json() == article


def test_an_admin_changes_everybodys_and_keeps_the_author(author: Person, admin: Person) -> None:
    """The author stays who it was."""
    draft = author.write(status="draft")
    changed = admin.http.patch(place_of(draft), json={"title": "Better", "status": "published"})
    assert changed.json()["author"]["id"] == author.id
    assert author.http.get(place_of(draft)).json() == changed.json()
    assert admin.http.delete(place_of(draft)).status_code == 204
    assert_is_problem(author.http.get(place_of(draft)), 404, "not_found")


def test_publication_follows_the_status(author: Person, reader: Person) -> None:
    """It has a time while it is out, keeps it through other changes, and can be taken back."""
    path = place_of(author.write(status="draft"))

    def change(**fields: object) -> Thing:
        answer = author.http.patch(path, json=fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    first = change(status="published")
    assert INSTANT.fullmatch(first["published_at"])
    assert change(title="Other")["published_at"] == first["published_at"]
    assert change(status="published")["published_at"] == first["published_at"]
    assert reader.http.get(path).status_code == 200
    assert change(status="draft")["published_at"] is None
    assert_is_problem(reader.http.get(path), 404, "not_found")
    assert change(status="published")["published_at"] > first["published_at"]


def test_a_change_changes_what_it_names(author: Person) -> None:
    """An empty one is fine, and every one moves `updated_at`, tags included."""
    article = author.write(tag_ids=[author.tag()["id"]])
    seen = [article["updated_at"]]
    changes: list[Thing] = [{}, {"title": " New "}, {"tag_ids": []}]
    for change in [*changes, {"tag_ids": [author.tag()["id"]]}]:
        answer = author.http.patch(place_of(article), json=change)
        assert answer.status_code == 200
        seen.append(answer.json()["updated_at"])
    assert seen == sorted(set(seen))
    last = answer.json()
    changed = {key for key in KEYS if last[key] != article[key]}
    assert (changed, last["title"]) == ({"title", "tags", "updated_at"}, "New")


def test_an_id_is_taken_in_either_case(author: Person) -> None:
    """An id is a UUID with hyphens; what is written differently is no path of ours."""
    article = author.write()
    upper = f"{ARTICLES}/{article['id'].upper()}"
    assert author.http.get(upper).json() == article
    for other in (article["id"].replace("-", ""), f"{{{article['id']}}}", f"{article['id']}/"):
        assert_is_problem(author.http.get(f"{ARTICLES}/{other}"), 404, "not_found")


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/JSON ; charset=utf-8",
        "application/json; charset=latin-1",
        "application/json; charset=nonsense",
    ],
)
def test_json_is_utf_8_whatever_its_label_says(author: Person, kind: str) -> None:
    """Text of any script comes back as it was sent."""
    title = "Grüße 日本 🐎"
    content = json.dumps({"title": title, "body": "…"}, ensure_ascii=False).encode()
    headers = {"Content-Type": kind}
    article = made(author.http.post(ARTICLES, content=content, headers=headers))
    assert article["title"] == title
    assert title in author.http.get(place_of(article)).text


def test_a_body_of_the_greatest_size_is_taken(author: Person) -> None:
    """A megabyte of JSON is read, whether its length is told or not."""
    content = b'{"title": "Full", "body": "."}'
    content += b" " * (1024 * 1024 - len(content))
    headers = {"Content-Type": "application/json"}
    made(author.http.post(ARTICLES, content=content, headers=headers))
    parts = [content[start : start + 65536] for start in range(0, len(content), 65536)]
    made(author.http.post(ARTICLES, content=iter(parts), headers=headers))


# Tags of an article -----------------------------------------------------------------------------


def test_tags_keep_the_order_they_were_given_in(author: Person, sql: Sql) -> None:
    """It is theirs on this article, wherever the article is shown."""
    tags = [author.tag() for _ in range(3)]
    given = [tags[index] for index in (2, 0, 1)]
    article = author.write(tag_ids=[tag["id"] for tag in given])
    assert article["tags"] == given
    [entry] = author.http.get(ARTICLES, params={"tag": tags[0]["name"]}).json()["results"]
    assert entry["tags"] == given
    replaced = author.http.patch(
        place_of(article), json={"tag_ids": [tags[1]["id"].upper(), tags[2]["id"]]}
    )
    assert replaced.json()["tags"] == [tags[1], tags[2]]
    assert author.http.get(place_of(article)).json()["tags"] == [tags[1], tags[2]]
    links = "SELECT tag_id::text, added_at IS NOT NULL FROM articles_articletag"
    links += " WHERE article_id = %(id)s ORDER BY position"
    assert sql(links, id=article["id"]) == [(tags[1]["id"], True), (tags[2]["id"], True)]


def test_tags_that_cannot_be_are_named(author: Person) -> None:
    """Each by its place in the list, and nothing is made."""
    word, tag = unheard_of(), author.tag()["id"]

    def refusal(tag_ids: list[object]) -> dict[str, str]:
        content = {"title": word, "body": ".", "tag_ids": tag_ids}
        return faults(author.http.post(ARTICLES, json=content))

    assert refusal([tag, tag]) == {"#/tag_ids/1": "duplicate"}
    assert refusal([tag, tag.upper()]) == {"#/tag_ids/1": "duplicate"}
    assert refusal([tag, NOBODY]) == {"#/tag_ids/1": "not_found"}
    wrong = {"#/tag_ids/1": "invalid_format", "#/tag_ids/2": "invalid_type"}
    assert refusal([tag, "x", 3]) == wrong
    unknown: list[object] = [NOBODY.replace("4", str(digit)) for digit in range(10)]
    assert refusal(unknown) == {f"#/tag_ids/{index}": "not_found" for index in range(10)}
    assert refusal([tag] * 11)["#/tag_ids"] == "too_long"
    assert titles(author, search=word) == []


# Lists ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shelf(newcomer: Callable[[], Person], sql: Sql) -> Person:
    """Return somebody with five articles: a to e, in hours 1 to 5, b and d drafts."""
    person = newcomer()
    for hour, title in enumerate("abcde", start=1):
        status = "draft" if title in "bd" else "published"
        article = person.write(title=title, status=status)
        change = "UPDATE articles_article SET created_at = %(at)s::timestamptz,"
        change += " published_at = CASE status WHEN 'published' THEN"
        change += " %(at)s::timestamptz + interval '1 day' END WHERE id = %(id)s"
        sql(change, at=f"2026-03-01T0{hour}:00:00Z", id=article["id"])
    return person


FILTERS: list[tuple[Thing, str]] = [
    ({}, "edcba"),
    ({"status": "draft"}, "db"),
    ({"status": "published"}, "eca"),
    ({"status__in": "draft,published"}, "edcba"),
    ({"status__in": "draft"}, "db"),
    ({"created_at__gte": "2026-03-01T02:00:00Z", "created_at__lt": "2026-03-01T04:00:00Z"}, "cb"),
    ({"created_at__gte": "2026-03-01T03:30:00.000001+01:00"}, "edc"),
    ({"created_at__lt": "2026-03-01t01:00:00z"}, ""),
    ({"published_at__isnull": "true"}, "db"),
    ({"published_at__isnull": "false"}, "eca"),
    ({"search": "C"}, "c"),
    ({"search": "c e"}, ""),
    ({"status": "draft", "search": "c"}, ""),
    ({"tag": "nobody-has-this"}, ""),
    ({"ordering": "created_at"}, "abcde"),
    ({"ordering": "-created_at"}, "edcba"),
    ({"ordering": "title"}, "abcde"),
    ({"ordering": "-title"}, "edcba"),
    ({"ordering": "published_at", "status": "published"}, "ace"),
    ({"ordering": "-published_at", "status": "published"}, "eca"),
    ({"status__in": "draft", "ordering": "title", "page_size": "1"}, "b"),
]


@pytest.mark.parametrize(("query", "expected"), FILTERS, ids=str)
def test_a_list_is_what_was_asked_for(shelf: Person, query: Thing, expected: str) -> None:
    """Every filter narrows it, every ordering turns it."""
    assert "".join(titles(shelf, author=shelf.id, **query)) == expected


def test_drafts_are_last_where_publication_orders(shelf: Person) -> None:
    """What has no time yet comes at one end, and both directions mirror each other."""
    rising = titles(shelf, author=shelf.id, ordering="published_at")
    falling = titles(shelf, author=shelf.id, ordering="-published_at")
    assert rising == falling[::-1]
    assert [title for title in rising if title in "ace"] == ["a", "c", "e"]


def test_an_author_that_is_nobody_has_written_nothing(author: Person) -> None:
    """An id that is none of ours is no mistake."""
    page = author.http.get(ARTICLES, params={"author": NOBODY}).json()
    assert page == {"count": 0, "next": None, "previous": None, "results": []}


def test_a_search_takes_words_in_any_order_and_of_any_sign(author: Person) -> None:
    """All of them have to be in the title; what looks like syntax is a word."""
    one, two = unheard_of(), unheard_of()
    title = f"{one.upper()}, the ({two})!"
    author.write(title=title, body=unheard_of())
    for found in (one, f"{two} {one}", f" {two} ", f"{one} & {two}", f"!{one}"):
        assert titles(author, search=found) == [title], found
    for lost in (f"{one} {unheard_of()}", one[:-2], f"'{unheard_of()}':*", "' OR true --", "%"):
        assert titles(author, search=lost) == [], lost


def test_a_tag_is_found_in_any_case(author: Person) -> None:
    """Names are kept in lower case, whoever asks may shout."""
    tag = author.tag()
    author.write(title="Tagged", tag_ids=[tag["id"]])
    assert titles(author, tag=tag["name"].upper()) == ["Tagged"]


def test_extreme_instants_are_instants(shelf: Person) -> None:
    """The first and the last of the calendar are not too much for us."""
    last = {"created_at__lt": "9999-12-31T23:59:59.999999-14:00"}
    first = {"created_at__gte": "0001-01-01T00:00:00+14:00"}
    assert len(titles(shelf, author=shelf.id, **last, **first)) == 5


@pytest.mark.parametrize("ordering", ["created_at", "-created_at", "title", "-title"])
def test_equal_rows_have_an_order_too(
    newcomer: Callable[[], Person], sql: Sql, ordering: str
) -> None:
    """Ids break a tie in the direction of the list, so that pages neither repeat nor lose."""
    person = newcomer()
    ids = sorted(person.write(title="Same")["id"] for _ in range(5))
    sql("UPDATE articles_article SET created_at = now() WHERE author_id = %(id)s", id=person.id)
    found, path = [], f"{ARTICLES}?author={person.id}&ordering={ordering}&page_size=2"
    while path:
        page = person.http.get(path).json()
        found += [article["id"] for article in page["results"]]
        path = page["next"]
    assert found == (ids[::-1] if ordering.startswith("-") else ids)


def test_pages_link_to_each_other(shelf: Person) -> None:
    """A link keeps the filters, names no host, and the count is that of all pages."""
    query: Thing = {"author": shelf.id, "ordering": "title", "page_size": 2}
    first = shelf.http.get(ARTICLES, params=query).json()
    assert list(first) == ["count", "next", "previous", "results"]
    assert (first["count"], first["previous"]) == (5, None)
    assert first["next"].startswith(f"{ARTICLES}?")
    second = shelf.http.get(first["next"]).json()
    third = shelf.http.get(second["next"]).json()
    pages = [[article["title"] for article in page["results"]] for page in (first, second, third)]
    assert pages == [["a", "b"], ["c", "d"], ["e"]]
    assert (third["count"], third["next"]) == (5, None)
    assert shelf.http.get(third["previous"]).json() == second
    assert shelf.http.get(second["previous"]).json()["results"] == first["results"]


@pytest.mark.parametrize("page", [4, 10_000])
def test_a_page_past_the_end_is_empty(shelf: Person, page: int) -> None:
    """Rows go while somebody reads; that is no failure."""
    query: Thing = {"author": shelf.id, "page_size": 2, "page": page}
    answer = shelf.http.get(ARTICLES, params=query)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["count"], found["next"], found["results"]) == (5, None, [])
    assert f"page={page - 1}" in found["previous"]


def test_a_page_has_twenty_rows_and_a_hundred_at_most(author: Person) -> None:
    """Unless fewer are asked for."""
    for _ in range(21):
        author.write()
    mine = {"author": author.id}
    assert len(titles(author, **mine)) == 20
    assert len(titles(author, **mine, page_size=21)) == 21
    assert author.http.get(ARTICLES, params=mine | {"page_size": 100}).status_code == 200


def test_the_last_of_a_repeated_parameter_counts(shelf: Person) -> None:
    """One rule for all lists."""
    path = f"{ARTICLES}?author={shelf.id}&ordering=title&page_size=0&page_size=1"
    assert len(shelf.http.get(path).json()["results"]) == 1


# Figures ----------------------------------------------------------------------------------------


def test_the_figures_are_of_what_the_caller_sees(
    newcomer: Callable[[], Person], author: Person
) -> None:
    """Drafts of others and their comments are in nobody's figures but their author's."""
    person, tag = newcomer(), author.tag("0" + unheard_of())

    def figures(who: Person) -> Thing:
        answer = who.http.get(STATS)
        assert answer.status_code == 200
        return dict(answer.json())

    before, theirs = figures(person), figures(author)
    assert list(before) == ["articles", "drafts", "published", "comments", "per_tag"]
    draft = person.write(status="draft", tag_ids=[tag["id"]])
    person.comment(draft)
    person.comment(person.write())
    after = figures(person)
    changes = {name: after[name] - before[name] for name in list(before)[:4]}
    assert changes == {"articles": 2, "drafts": 1, "published": 1, "comments": 2}
    others = figures(author)
    changes = {name: others[name] - theirs[name] for name in list(before)[:4]}
    assert changes == {"articles": 1, "drafts": 0, "published": 1, "comments": 1}


def test_the_ten_most_used_tags_are_counted(newcomer: Callable[[], Person]) -> None:
    """The most used first, then by name; a draft counts for its author only."""
    person = newcomer()
    prefix = f"0{unheard_of()}"  # before all other names
    tags = [person.tag(f"{prefix}-{letter}") for letter in "lkjihgfedcba"]
    for count in range(40):  # more often than other tests use theirs
        used = tags if count < 39 else tags[:3]
        person.write(status="draft", tag_ids=[tag["id"] for tag in used[:10]])
        person.write(status="draft", tag_ids=[tag["id"] for tag in used[10:]])
    found = person.http.get(STATS).json()["per_tag"]
    assert len(found) == 10
    assert list(found[0]) == ["id", "name", "articles"]
    expected = [(tag, 40) for tag in tags[:3][::-1]] + [(tag, 39) for tag in tags[:4:-1]]
    assert found == [{**tag, "articles": count} for tag, count in expected]


# Caching ----------------------------------------------------------------------------------------


def conditional(person: Person, path: str, tag: str) -> httpx.Response:
    """Ask for what is new since an ETag."""
    return person.http.get(path, headers={"If-None-Match": tag})


def test_an_article_that_did_not_change_is_not_sent_again(author: Person, reader: Person) -> None:
    """The second look costs a line, and proxies keep nothing."""
    path = place_of(author.write())
    answer = reader.http.get(path)
    etag = answer.headers["ETag"]
    assert etag.startswith('W/"')
    assert answer.headers["Cache-Control"] == "private, no-cache"
    for given in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
        again = conditional(reader, path, given)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == etag
        assert again.headers["Cache-Control"] == "private, no-cache"
    for given in ('W/"x"', "", "x", 'W/"', etag[:-1], f"x{etag}"):
        assert conditional(reader, path, given).status_code == 200
    assert conditional(author, path, etag).headers["ETag"] == etag


@pytest.mark.parametrize("change", ["title", "tags", "tag's name", "author's name", "nothing"])
def test_an_article_that_changed_is_sent_again(
    newcomer: Callable[[], Person], admin: Person, change: str
) -> None:
    """Whatever of it changed, the old tag is no longer good."""
    person = newcomer()
    tag = person.tag()
    path = place_of(person.write(tag_ids=[tag["id"]]))
    before = admin.http.get(path)
    ways: dict[str, tuple[Person, str, Thing]] = {
        "title": (person, path, {"title": "Changed"}),
        "tags": (person, path, {"tag_ids": []}),
        "tag's name": (admin, f"{TAGS}/{tag['id']}", {"name": unheard_of()}),
        "author's name": (person, ME, {"full_name": "Changed"}),
        "nothing": (person, path, {}),
    }
    who, where, fields = ways[change]
    assert who.http.patch(where, json=fields).status_code == 200
    after = conditional(admin, path, before.headers["ETag"])
    assert after.status_code == 200
    assert after.headers["ETag"] != before.headers["ETag"]
    assert after.json() != before.json()


def test_an_article_taken_back_is_gone_for_who_knew_it(author: Person, reader: Person) -> None:
    """An old tag opens nothing."""
    path = place_of(author.write())
    etag = reader.http.get(path).headers["ETag"]
    author.http.patch(path, json={"status": "draft"})
    assert_is_problem(conditional(reader, path, etag), 404, "not_found")
    assert_is_problem(conditional(reader, path, "*"), 404, "not_found")


@pytest.mark.parametrize("path", [ARTICLES, STATS, ME, TAGS, f"{ARTICLES}/{NOBODY}", "/api/v1/x"])
def test_nobody_keeps_what_is_somebodys(author: Person, path: str) -> None:
    """Answers about a user are for that user alone, failures too."""
    assert author.http.get(path).headers["Cache-Control"] == "no-store"


def test_head_is_answered_wherever_get_is(author: Person) -> None:
    """The same headers, and no body."""
    article = author.write()
    for path in (ARTICLES, place_of(article), comments_of(article), TAGS, ME, STATS):
        full, head = author.http.get(path), author.http.head(path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("Content-Type", "Cache-Control", "ETag"):
            assert head.headers.get(name) == full.headers.get(name)
    missing = author.http.head(f"{ARTICLES}/{NOBODY}")
    assert (missing.status_code, missing.content) == (404, b"")
