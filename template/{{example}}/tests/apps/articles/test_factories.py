"""Each factory makes a whole and valid thing, however often it is asked."""

from typing import Any

import pytest

from tests.apps.articles.conftest import Publish
from tests.apps.articles.factories import (
    ArticleFactory,
    ArticleTagFactory,
    CommentFactory,
    TagFactory,
)
from tests.support import Client, Execute, Login, Make, MakeUser

pytestmark = pytest.mark.integration

TIMES = 30


@pytest.mark.parametrize(
    ("factory", "table"),
    [
        (ArticleFactory, "articles_article"),
        (ArticleTagFactory, "articles_articletag"),
        (CommentFactory, "articles_comment"),
        (TagFactory, "articles_tag"),
    ],
)
def test_a_factory_makes_what_the_database_takes(
    make: Make, execute: Execute, factory: Any, table: str
) -> None:
    """With all that it needs, and never the same twice."""
    ids = {make(factory).id for _ in range(TIMES)}
    assert {row[0] for row in execute(f"SELECT id FROM {table}")} == ids  # noqa: S608 - ours
    assert len(ids) == TIMES


def test_what_is_made_can_be_read(
    data_client: Client, make: Make, make_user: MakeUser, login: Login, publish: Publish
) -> None:
    """By those for whom it is."""
    user = make_user()
    comment = make(CommentFactory, article=publish(author=user))
    reply = make(CommentFactory, article=comment.article, parent=comment)
    path = f"/api/v1/articles/{comment.article.id}/comments"
    found = data_client.get(path, headers=login(user)).json()["results"]
    assert [each["parent_id"] for each in found] == [None, str(comment.id)]
    assert found[1]["id"] == str(reply.id)
