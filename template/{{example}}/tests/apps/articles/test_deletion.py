"""What becomes of rows whose owner goes: rules of the database, which no client can go around."""

import uuid
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.errors import (
    CheckViolation,
    ForeignKeyViolation,
    NotNullViolation,
    RestrictViolation,
    UniqueViolation,
)

from tests.apps.articles.conftest import Publish, Tag
from tests.apps.articles.factories import ArticleFactory, CommentFactory, TagFactory
from tests.support import Client, Execute, Login, Make, MakeUser, refusal

pytestmark = pytest.mark.integration

ME = "/api/v1/users/me"
# Every foreign key, and what PostgreSQL does when the row it refers to goes.
RULES = {
    "articles_article_author_id_fkey": "r",  # restricts
    "articles_articletag_article_id_fkey": "c",  # cascades
    "articles_articletag_tag_id_fkey": "r",
    "articles_comment_article_id_fkey": "c",
    "articles_comment_author_id_fkey": "n",  # sets null
    "articles_comment_parent_id_fkey": "c",
    "profiles_profile_user_id_fkey": "c",
}
OTHERS = {
    "articles_article_pkey",
    "articles_article_status_check",
    "articles_article_status_published_at_check",
    "articles_articletag_article_id_tag_id_key",
    "articles_articletag_pkey",
    "articles_comment_pkey",
    "articles_tag_name_check",
    "articles_tag_name_key",
    "articles_tag_pkey",
    "profiles_profile_pkey",
}
INDEXES = {
    "articles_article_author_id_created_at_id_idx": "(author_id, created_at, id)",
    "articles_article_created_at_id_idx": "(created_at, id)",
    "articles_article_published_at_id_idx": "(published_at, id)",
    "articles_article_search_idx": "gin",
    "articles_article_status_created_at_id_idx": "(status, created_at, id)",
    "articles_article_title_id_idx": "(title, id)",
    "articles_articletag_tag_id_article_id_idx": "(tag_id, article_id)",
    "articles_comment_article_id_created_at_id_idx": "(article_id, created_at, id)",
    "articles_comment_author_id_idx": "(author_id)",
    "articles_comment_parent_id_idx": "(parent_id)",
}


def count(execute: Execute, table: str) -> int:
    return int(execute(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 - names of ours


def test_every_rule_is_the_database_s_own(execute: Execute) -> None:
    """Under its conventional name, checked at once, and none besides."""
    found = execute(
        """
        SELECT conname::text, confdeltype::text, condeferrable FROM pg_constraint
        WHERE contype IN ('f', 'c', 'u', 'p')
        AND conrelid::regclass::text ~ '^(articles|profiles)_'
        """
    )
    assert {name: rule for name, rule, _ in found if rule.strip()} == RULES
    assert {name for name, rule, _ in found if not rule.strip()} == OTHERS
    assert not any(deferrable for *_, deferrable in found)


def test_every_index_is_there(execute: Execute) -> None:
    """For each foreign key, and for each way in which a list is filtered and ordered."""
    found = execute(
        """
        SELECT indexname::text, indexdef FROM pg_indexes
        WHERE tablename ~ '^(articles|profiles)_'
        """
    )
    indexes = {name: text for name, text in found if not name.endswith(("_pkey", "_key"))}
    assert indexes.keys() == INDEXES.keys()
    for name, columns in INDEXES.items():
        assert columns in indexes[name]


def test_a_user_with_articles_stays(
    data_client: Client, make_user: MakeUser, login: Login, make: Make, execute: Execute
) -> None:
    """Until the last one is deleted; the database refuses it as well."""
    user = make_user()
    article = make(ArticleFactory, author=user)
    refusal(data_client.delete(ME, headers=login(user)), 409, "in_use")
    with pytest.raises((ForeignKeyViolation, RestrictViolation)):
        execute("DELETE FROM accounts_user WHERE id = %s", [user.id])
    path = f"/api/v1/articles/{article.id}"
    assert data_client.delete(path, headers=login(user)).status_code == 204
    assert data_client.delete(ME, headers=login(user)).status_code == 204


@pytest.mark.parametrize("raw", [False, True], ids=["api", "sql"])
def test_an_article_takes_its_comments_and_links_along(
    data_client: Client,
    make_user: MakeUser,
    login: Login,
    make: Make,
    publish: Publish,
    tag: Tag,
    execute: Execute,
    raw: bool,
) -> None:
    """Not its tags, and nothing of other articles."""
    user = make_user()
    article, other, label = publish(author=user), publish(), make(TagFactory)
    for each in (article, other):
        make(CommentFactory, article=each, parent=make(CommentFactory, article=each))
        tag(each, label)
    if raw:
        execute("DELETE FROM articles_article WHERE id = %s", [article.id])
    else:
        path = f"/api/v1/articles/{article.id}"
        assert data_client.delete(path, headers=login(user)).status_code == 204
    assert count(execute, "articles_article") == 1
    assert count(execute, "articles_comment") == 2
    assert count(execute, "articles_articletag") == 1
    assert count(execute, "articles_tag") == 1


@pytest.mark.parametrize("raw", [False, True], ids=["api", "sql"])
def test_a_comment_takes_its_answers_along(
    data_client: Client,
    make_user: MakeUser,
    login: Login,
    make: Make,
    publish: Publish,
    execute: Execute,
    raw: bool,
) -> None:
    """And the answers to them, not what it was an answer to."""
    user, article = make_user(), publish()
    chain: list[Any] = [None]
    for _ in range(4):
        chain.append(make(CommentFactory, article=article, author=user, parent=chain[-1]))
    if raw:
        execute("DELETE FROM articles_comment WHERE id = %s", [chain[2].id])
    else:
        path = f"/api/v1/articles/{article.id}/comments/{chain[2].id}"
        assert data_client.delete(path, headers=login(user)).status_code == 204
    assert execute("SELECT id FROM articles_comment") == [(chain[1].id,)]


@pytest.mark.parametrize("raw", [False, True], ids=["api", "sql"])
def test_a_comment_outlives_its_author(
    data_client: Client,
    make_user: MakeUser,
    login: Login,
    make: Make,
    publish: Publish,
    execute: Execute,
    raw: bool,
) -> None:
    """Without a name."""
    user = make_user()
    comment = make(CommentFactory, article=publish(), author=user)
    if raw:
        execute("DELETE FROM accounts_user WHERE id = %s", [user.id])
    else:
        assert data_client.delete(ME, headers=login(user)).status_code == 204
    assert execute("SELECT id, author_id FROM articles_comment") == [(comment.id, None)]


def test_a_tag_in_use_stays(make: Make, publish: Publish, tag: Tag, execute: Execute) -> None:
    """In the database too."""
    label = make(TagFactory)
    tag(publish(), label)
    with pytest.raises((ForeignKeyViolation, RestrictViolation)):
        execute("DELETE FROM articles_tag WHERE id = %s", [label.id])


WRONG: list[tuple[str, type[psycopg.Error], str]] = [
    ("UPDATE articles_article SET status = 'gone'", CheckViolation, "articles_article_status"),
    (
        "UPDATE articles_article SET published_at = NULL",
        CheckViolation,
        "articles_article_status_published_at_check",
    ),
    (
        "UPDATE articles_article SET status = 'draft'",
        CheckViolation,
        "articles_article_status_published_at_check",
    ),
    ("UPDATE articles_tag SET name = 'Poetry'", CheckViolation, "articles_tag_name_check"),
    (
        "INSERT INTO articles_tag (name) SELECT name FROM articles_tag",
        UniqueViolation,
        "articles_tag_name_key",
    ),
    (
        "INSERT INTO articles_articletag (article_id, tag_id, position)"
        " SELECT article_id, tag_id, 1 FROM articles_articletag",
        UniqueViolation,
        "articles_articletag_article_id_tag_id_key",
    ),
    ("UPDATE articles_article SET author_id = NULL", NotNullViolation, "author_id"),
    ("UPDATE articles_comment SET article_id = NULL", NotNullViolation, "article_id"),
]


@pytest.mark.parametrize(("statement", "kind", "name"), WRONG, ids=range(len(WRONG)))
def test_no_client_of_the_database_stores_what_is_wrong(
    make: Make,
    publish: Publish,
    tag: Tag,
    execute: Execute,
    statement: str,
    kind: type[psycopg.Error],
    name: str,
) -> None:
    """Each rule has a name, which the failure tells."""
    article = publish()
    tag(article, make(TagFactory))
    make(CommentFactory, article=article)
    with pytest.raises(kind, match=name):
        execute(statement)


def test_a_row_is_complete_without_us(make_user: MakeUser, execute: Execute) -> None:
    """Whoever writes by hand need not know our defaults."""
    user = make_user()
    ((found, status, created_at),) = execute(
        "INSERT INTO articles_article (author_id, title, body) VALUES (%s, 'x', 'x')"
        " RETURNING id, status, created_at",
        [user.id],
    )
    assert isinstance(found, uuid.UUID)
    assert status == "draft"
    assert abs((created_at - datetime.now(UTC)).total_seconds()) < 60
