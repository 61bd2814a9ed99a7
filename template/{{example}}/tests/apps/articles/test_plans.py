"""At 100,000 rows every list walks an index, whatever it is filtered and ordered by."""

import itertools
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest

from config.environment import load
from tests.support import Client, Execute, Login, MakeUser, Person, statements

pytestmark = pytest.mark.integration

ROWS = 100_000
# Twenty authors, of whom the last has few articles; one in ten articles is a draft.
SEED = [
    "SET statement_timeout = 0",  # the machine may be busy
    """
    INSERT INTO accounts_user (id, email, password, is_superuser)
    SELECT gen_random_uuid(), 'author' || n || '@example.org', '', false
    FROM generate_series(1, 20) n
    """,
    """
    INSERT INTO articles_article (author_id, title, body, status, published_at, created_at)
    SELECT authors.ids[1 + n %% 19], 'Title ' || md5(n::text) || ' word' || n %% 1000, 'x',
           CASE WHEN n %% 10 = 0 THEN 'draft' ELSE 'published' END,
           CASE WHEN n %% 10 = 0 THEN NULL ELSE moment END, moment
    FROM generate_series(1, %(rows)s) n,
         LATERAL (SELECT '2026-01-01Z'::timestamptz + n * interval '1 minute' AS moment) moments,
         (SELECT array_agg(id ORDER BY email) AS ids FROM accounts_user
          WHERE email LIKE 'author%%') authors
    """,
    "INSERT INTO articles_tag (name) SELECT 'tag' || n FROM generate_series(1, 200) n",
    """
    INSERT INTO articles_articletag (article_id, tag_id, position)
    SELECT articles.id, tags.id, 0
    FROM (SELECT id, row_number() OVER () AS n FROM articles_article) articles
    JOIN (SELECT id, row_number() OVER () AS n FROM articles_tag) tags
    ON tags.n = 1 + articles.n %% 200
    """,
    """
    INSERT INTO articles_comment (article_id, author_id, body, created_at)
    SELECT (SELECT id FROM articles_article ORDER BY created_at LIMIT 1),
           (SELECT id FROM accounts_user LIMIT 1), 'x',
           '2026-01-01Z'::timestamptz + (n / 3) * interval '1 minute'
    FROM generate_series(1, %(rows)s) n
    """,
    "ANALYZE accounts_user, articles_article, articles_tag, articles_articletag, articles_comment",
]
FILTERS: dict[str, dict[str, str]] = {
    "everything": {},
    "drafts": {"status": "draft"},
    "published": {"status": "published"},
    "both": {"status__in": "draft,published"},
    "an author": {"author": "{author}"},
    "an author's drafts": {"author": "{author}", "status": "draft"},
    "a tag": {"tag": "tag7"},
    "a tag of an author": {"tag": "tag7", "author": "{author}"},
    "since": {"created_at__gte": "2026-03-01T00:00:00Z"},
    "a day": {"created_at__gte": "2026-02-01T00:00:00Z", "created_at__lt": "2026-02-02T00:00:00Z"},
    "unpublished": {"published_at__isnull": "true"},
    "out": {"published_at__isnull": "false"},
    "a word": {"search": "word7"},
    "a word that all have": {"search": "title"},
    "a word that none has": {"search": "nothing"},
    "a published word": {"search": "word7", "status": "published"},
}
ORDERINGS = ["created_at", "-created_at", "published_at", "-published_at", "title", "-title"]
LARGE = {"articles_article", "articles_comment", "articles_articletag"}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a plan's node and all below it."""
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


@pytest.fixture
def author(make_user: MakeUser, execute: Execute) -> Person:
    """Return a user who may see everything that is published, of which there is much."""
    user = make_user()
    for statement in SEED:
        execute(statement, {"rows": ROWS})
    return user


def test_no_list_reads_a_large_table_through(
    data_client: Client, login: Login, author: Person, execute: Execute
) -> None:
    """Each query that an endpoint really sends is explained; none has a sequential scan."""
    headers = login(author)
    ((somebody, article),) = execute(
        """
        SELECT author_id, (SELECT article_id FROM articles_comment LIMIT 1) FROM articles_article
        ORDER BY created_at LIMIT 1
        """
    )
    comments = f"/api/v1/articles/{article}/comments?page_size=100"
    first = data_client.get(comments, headers=headers).json()
    second = data_client.get(first["next"], headers=headers).json()
    paths = {
        f"{name} by {ordering}": "/api/v1/articles?"
        + urlencode(
            {key: value.format(author=somebody) for key, value in filters.items()}
            | {"ordering": ordering}
        )
        for (name, filters), ordering in itertools.product(FILTERS.items(), ORDERINGS)
    } | {
        "a page far back": "/api/v1/articles?page=100&page_size=100",
        "comments": comments,
        "next comments": first["next"],
        "previous comments": second["previous"],
        "an article": f"/api/v1/articles/{article}",
    }
    scans, explained = [], 0
    with psycopg.connect(load().database) as connection:
        for name, path in paths.items():
            with statements() as sent:
                answer = data_client.get(path, headers=headers)
            assert answer.status_code == 200, answer.content
            for query, parameters in sent:
                if not any(table in str(query) for table in LARGE):
                    continue
                text = psycopg.ClientCursor(connection).mogrify(query, parameters)
                ((found,),) = execute(f"EXPLAIN (FORMAT JSON) {text}")
                (plan,) = json.loads(found) if isinstance(found, str) else found
                explained += 1
                scans += [
                    (name, text)
                    for node in nodes(plan["Plan"])
                    if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE
                ]
    assert explained > 2 * len(FILTERS) * len(ORDERINGS)
    assert scans == []
