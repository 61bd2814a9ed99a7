"""How many queries a request costs: as many for fifty rows as for one."""

from collections.abc import Callable
from typing import NamedTuple

import httpx
import pytest

from tests.contract.conftest import Sql
from tests.contract.people import (
    ARTICLES,
    ME,
    PROFILE,
    STATS,
    TAGS,
    Person,
    unheard_of,
)
from tests.harness.roles import Role
from tests.harness.waiting import until

MANY = 50
# Everything differs from row to row: authors, tags, comments and whom those reply to.
FILL = """
WITH people AS (
    INSERT INTO accounts_user (id, email, password, is_superuser, full_name)
    SELECT gen_random_uuid(), %(word)s || n || '@example.org', '', false, 'Nr ' || n
    FROM generate_series(1, %(rows)s) n RETURNING id
), numbered AS (
    SELECT id, row_number() OVER () AS n FROM people
), tags AS (
    INSERT INTO articles_tag (name)
    SELECT %(word)s || '-' || n FROM generate_series(1, %(rows)s) n RETURNING id
), tagged AS (
    SELECT id, row_number() OVER () AS n FROM tags
), articles AS (
    INSERT INTO articles_article (author_id, title, body, status, published_at)
    SELECT id, %(word)s, '.', 'published', now() FROM people RETURNING id
), listed AS (
    SELECT id, row_number() OVER () AS n FROM articles
), links AS (
    INSERT INTO articles_articletag (article_id, tag_id, position)
    SELECT listed.id, tagged.id, tagged.n FROM listed JOIN tagged
    ON listed.n = 1 AND tagged.n <= 10 OR listed.n = tagged.n
), comments AS (
    INSERT INTO articles_comment (article_id, author_id, body)
    SELECT (SELECT id FROM listed WHERE n = 1), id, '.' FROM people
)
SELECT id FROM listed WHERE n = 1
"""


class Shelf(NamedTuple):
    """Some articles whose title is a word, and the path of the first, which has all comments."""

    word: str
    first: str


@pytest.fixture(scope="module")
def fill(sql: Sql) -> Callable[[int], Shelf]:
    """Return a function that makes a shelf with so many rows of everything."""

    def make(rows: int) -> Shelf:
        word = unheard_of()
        [(first,)] = sql(FILL, word=word, rows=rows)
        return Shelf(word, f"{ARTICLES}/{first}")

    return make


@pytest.fixture(scope="module")
def shelves(fill: Callable[[int], Shelf]) -> dict[int, Shelf]:
    """Return a shelf with one row of everything, and one with many."""
    return {rows: fill(rows) for rows in (1, MANY)}


def cost(api: Role, answer: httpx.Response) -> int:
    """Return how many queries a request took, as its line says."""
    assert answer.status_code < 400, answer.text
    name = answer.headers["X-Request-ID"]
    found = until(lambda: api.find("request_finished", request_id=name), "no line")
    return int(found[0]["db_queries"])


@pytest.mark.parametrize(
    ("path", "lengths"),
    [
        (f"{ARTICLES}?search={{word}}&page_size=100", (1, MANY)),
        (f"{ARTICLES}?search={{word}}&page_size=100&ordering=title&status=published", (1, MANY)),
        (f"{ARTICLES}?tag={{word}}-1", (1, 1)),
        ("{first}/comments?page_size=100", (1, MANY)),
        ("{first}", (0, 0)),
    ],
)
def test_many_rows_cost_as_many_queries_as_one(
    api: Role, author: Person, shelves: dict[int, Shelf], path: str, lengths: tuple[int, int]
) -> None:
    """What belongs to the rows is loaded for all of them together."""
    asked = [path.format(word=shelf.word, first=shelf.first) for shelf in shelves.values()]
    answers = [author.http.get(each) for each in asked]
    assert tuple(len(answer.json().get("results", [])) for answer in answers) == lengths
    few, many = (cost(api, answer) for answer in answers)
    assert few == many <= 5


def test_a_comment_costs_the_same_beside_many(
    api: Role, author: Person, shelves: dict[int, Shelf]
) -> None:
    """One comment is found without its neighbours."""
    found = set()
    for shelf in shelves.values():
        comments = f"{shelf.first}/comments"
        comment = author.http.get(comments, params={"page_size": 1}).json()["results"][0]
        found.add(cost(api, author.http.get(f"{comments}/{comment['id']}")))
    assert len(found) == 1


@pytest.mark.parametrize("lists", [f"{TAGS}?limit={{}}", f"{ARTICLES}?page_size={{}}"])
@pytest.mark.usefixtures("shelves")
def test_a_long_page_costs_as_many_queries_as_a_short_one(
    api: Role, author: Person, lists: str
) -> None:
    """Its length is no matter."""
    short, long = (author.http.get(lists.format(size)) for size in (1, MANY))
    assert (len(short.json()["results"]), len(long.json()["results"])) == (1, MANY)
    assert cost(api, short) == cost(api, long)


def test_figures_and_single_things_are_cheap(
    api: Role, author: Person, shelves: dict[int, Shelf]
) -> None:
    """Who asks costs one query; figures cost two, what did not change costs one."""
    who = cost(api, author.http.get(ME))
    assert who == 1
    assert cost(api, author.http.get(STATS)) <= who + 2
    assert cost(api, author.http.get(PROFILE)) <= who + 1
    first = author.http.get(shelves[MANY].first)
    again = author.http.get(shelves[MANY].first, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert cost(api, again) <= who + 1
    assert cost(api, again) < cost(api, first)
    tag = first.json()["tags"][0]["id"]
    assert cost(api, author.http.get(f"{TAGS}/{tag}")) <= who + 1


def test_changes_cost_the_same_however_much_there_is(
    api: Role, admin: Person, fill: Callable[[int], Shelf]
) -> None:
    """What is written does not depend on what else is there."""
    costs = []
    for shelf in (fill(1), fill(MANY)):
        change = cost(api, admin.http.patch(shelf.first, json={"title": "Changed"}))
        costs.append((change, cost(api, admin.http.delete(shelf.first))))
    assert costs[0] == costs[1]
