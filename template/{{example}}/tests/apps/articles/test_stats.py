"""The figures are computed by the database and are those that one would count by hand."""

import json
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.apps.articles.conftest import Publish, Tag
from tests.apps.articles.factories import ArticleFactory, TagFactory
from tests.support import Client, Execute, Login, Make, MakeUser, Person, statements

pytestmark = pytest.mark.integration

STATS = "/api/v1/articles/stats"
TAGS = [f"tag{letter}" for letter in "abcdefghijklmn"]


@dataclass(frozen=True)
class Row:
    """An article: whose, whether it is out, its tags, and how many comments it has."""

    author: int
    published: bool
    tags: frozenset[int]
    comments: int


ROWS = st.lists(
    st.builds(
        Row,
        st.integers(0, 2),
        st.booleans(),
        st.frozensets(st.integers(0, len(TAGS) - 1), max_size=6),
        st.integers(0, 3),
    ),
    max_size=12,
)


STORE = """
    WITH rows AS (
        SELECT * FROM jsonb_to_recordset(%s::jsonb)
        AS rows (id uuid, author_id uuid, status text, tags text[], comments int)
    ), articles AS (
        INSERT INTO articles_article (id, author_id, title, body, status, published_at)
        SELECT id, author_id, 'x', 'x', status, CASE WHEN status = 'published' THEN now() END
        FROM rows
    ), links AS (
        INSERT INTO articles_articletag (article_id, tag_id, position)
        SELECT rows.id, tag.id, 0 FROM rows JOIN articles_tag tag ON tag.name = ANY(rows.tags)
    )
    INSERT INTO articles_comment (article_id, body)
    SELECT id, 'x' FROM rows, generate_series(1, comments)
"""


def recomputed(rows: list[Row], sees: Callable[[Row], bool]) -> dict[str, Any]:
    """Return what the endpoint has to answer, with tags by name."""
    seen = [row for row in rows if sees(row)]
    uses = Counter(TAGS[number] for row in seen for number in row.tags)
    most = sorted(uses.items(), key=lambda item: (-item[1], item[0]))[:10]
    return {
        "articles": len(seen),
        "drafts": sum(not row.published for row in seen),
        "published": sum(row.published for row in seen),
        "comments": sum(row.comments for row in seen),
        "per_tag": [{"name": name, "articles": number} for name, number in most],
    }


def answered(client: Client, headers: dict[str, str]) -> dict[str, Any]:
    answer = client.get(STATS, headers=headers)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    assert list(found) == ["articles", "drafts", "published", "comments", "per_tag"]
    for each in found["per_tag"]:
        assert list(each) == ["id", "name", "articles"]
        del each["id"]
    return found


def test_they_are_what_one_counts_by_hand(
    data_client: Client, execute: Execute, make_user: MakeUser, login: Login
) -> None:
    """Over what the caller may see, whatever there is."""
    people = [make_user() for _ in range(3)]
    headers = [login(person) for person in people]
    admin = login(make_user(is_staff=True))
    for name in TAGS:
        execute("INSERT INTO articles_tag (name) VALUES (%s)", [name])

    @given(ROWS)
    @settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
    def compare(rows: list[Row]) -> None:
        execute("DELETE FROM articles_article")
        stored = [
            {
                "id": str(uuid.UUID(int=number)),
                "author_id": str(people[row.author].id),
                "status": "published" if row.published else "draft",
                "tags": [TAGS[tag] for tag in row.tags],
                "comments": row.comments,
            }
            for number, row in enumerate(rows)
        ]
        execute(STORE, [json.dumps(stored)])
        for number, each in enumerate(headers):
            expected = recomputed(rows, lambda row, me=number: row.published or row.author == me)  # type: ignore[misc]
            assert answered(data_client, each) == expected
        assert answered(data_client, admin) == recomputed(rows, lambda row: True)

    compare()


def test_they_cost_two_queries(
    data_client: Client,
    make: Make,
    make_user: MakeUser,
    login: Login,
    publish: Publish,
    tag: Tag,
) -> None:
    """And the one for the user, however many rows there are."""
    user: Person = make_user()
    headers = login(user)
    data_client.get(STATS, headers=headers)
    for rows in (1, 20):
        for _ in range(rows):
            tag(publish(), make(TagFactory))
            make(ArticleFactory, author=user)
        with statements() as sent:
            assert data_client.get(STATS, headers=headers).status_code == 200
        assert len(sent) <= 3
