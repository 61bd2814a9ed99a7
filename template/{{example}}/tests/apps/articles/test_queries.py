"""The number of queries does not depend on the number of rows."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.apps.articles.conftest import Publish
from tests.apps.articles.eager import forget_eager_loading
from tests.apps.articles.factories import CommentFactory, TagFactory
from tests.support import Client, Execute, Login, Make, MakeUser, statements

pytestmark = pytest.mark.integration

# The most that an endpoint asks, the user's own row included.
BUDGETS = {
    "/api/v1/users/me": 1,
    "/api/v1/profiles/me": 2,
    "/api/v1/articles?page_size=100": 4,
    "/api/v1/articles?page_size=100&search=shared&status=published&tag=shared&ordering=title": 4,
    "/api/v1/articles/{article}": 4,
    "/api/v1/articles/stats": 3,
    "/api/v1/articles/{article}/comments?page_size=100": 3,
    "/api/v1/articles/{article}/comments/{comment}": 2,
    "/api/v1/tags?limit=100": 2,
    "/api/v1/tags/{tag}": 3,
}
GROW = """
    WITH people AS (
        INSERT INTO accounts_user (id, email, password, is_superuser)
        SELECT gen_random_uuid(), gen_random_uuid() || '@example.org', '', false
        FROM generate_series(1, %(rows)s) RETURNING id
    ), articles AS (
        INSERT INTO articles_article (author_id, title, body, status, published_at)
        SELECT id, 'A shared title', 'x', 'published', now() FROM people RETURNING id
    ), tags AS (
        INSERT INTO articles_tag (name) SELECT 'tag-' || id FROM people RETURNING id
    ), theirs AS (
        INSERT INTO articles_articletag (article_id, tag_id, position)
        SELECT id, %(tag)s, 0 FROM articles
    ), ours AS (
        INSERT INTO articles_articletag (article_id, tag_id, position)
        SELECT %(article)s, id, 0 FROM tags LIMIT 5
    )
    INSERT INTO articles_comment (article_id, author_id, parent_id, body)
    SELECT %(article)s, id, %(comment)s, 'x' FROM people
"""
Grow = Callable[[int], None]


@pytest.fixture
def places(publish: Publish, make: Make, make_user: MakeUser) -> dict[str, Any]:
    """Return what the paths name; the article is the user's own."""
    user = make_user()
    article = publish(author=user, title="A shared title")
    comment = make(CommentFactory, article=article)
    shared = make(TagFactory, name="shared")
    return {"user": user, "article": article, "comment": comment, "tag": shared}


@pytest.fixture
def grow(places: dict[str, Any], execute: Execute) -> Grow:
    """Return what adds rows of every kind, each with relations of its own."""

    def grow(rows: int) -> None:
        execute(GROW, {"rows": rows} | {name: place.id for name, place in places.items()})

    return grow


@pytest.fixture
def ask(data_client: Client, login: Login, places: dict[str, Any]) -> Callable[[str], int]:
    """Return what asks for a path and counts the queries."""
    headers = login(places["user"])
    ids = {name: place.id for name, place in places.items()}

    def ask(path: str) -> int:
        with statements() as sent:
            answer = data_client.get(path.format(**ids), headers=headers)
        assert answer.status_code == 200, answer.content
        return len(sent)

    return ask


def test_many_rows_cost_as_many_queries_as_one(ask: Callable[[str], int], grow: Grow) -> None:
    """On every endpoint, and within its budget."""
    grow(1)
    ask("/api/v1/articles")  # whatever a connection asks first
    few = {path: ask(path) for path in BUDGETS}
    grow(49)
    assert {path: ask(path) for path in BUDGETS} == few
    assert {path: number for path, number in few.items() if number > BUDGETS[path]} == {}


def test_what_is_known_is_not_read(
    data_client: Client, login: Login, places: dict[str, Any]
) -> None:
    """A 304 costs one query besides the user's, and that one does not touch the text."""
    headers, path = login(places["user"]), f"/api/v1/articles/{places['article'].id}"
    etag = data_client.get(path, headers=headers).headers["ETag"]
    with statements() as sent:
        answer = data_client.get(path, headers=headers | {"If-None-Match": etag})
    assert answer.status_code == 304
    assert len(sent) == 2
    assert not any(".body" in str(query) or '"body"' in str(query) for query, _ in sent)


def test_a_list_does_not_read_bodies(
    data_client: Client, login: Login, places: dict[str, Any]
) -> None:
    """Which may be long, and are not shown."""
    with statements() as sent:
        data_client.get("/api/v1/articles", headers=login(places["user"]))
    queries = [str(query) for query, _ in sent]
    assert any("articles_article" in query for query in queries)
    assert not any(".body" in query or '"body"' in query for query in queries)


@pytest.mark.parametrize(
    "path",
    ["/api/v1/articles", "/api/v1/articles/{article}", "/api/v1/articles/{article}/comments"],
)
def test_a_forgotten_relation_fails(
    data_client: Client,
    login: Login,
    places: dict[str, Any],
    grow: Grow,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    """Where one is not loaded with its rows, the test is told so and not the user."""
    grow(2)
    forget_eager_loading(monkeypatch)
    path = path.format(article=places["article"].id)
    answer = data_client.get(path, headers=login(places["user"]))
    assert answer.status_code == 500
