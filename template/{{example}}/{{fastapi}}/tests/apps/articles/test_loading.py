"""Nothing is loaded that was not asked for: a selector that forgets something fails a test."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncSession

from apps.articles import selectors
from apps.articles.models import Article, ArticleTag, Comment
from apps.articles.selectors import ArticleQuery
from tests.accounts.factories import UserFactory
from tests.apps.articles.factories import ArticleTagFactory, CommentFactory

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("model", "name"),
    [(Article, "author"), (Article, "links"), (ArticleTag, "tag"), (Comment, "author")],
)
async def test_a_lazy_load_fails(session: AsyncSession, model: type, name: str) -> None:
    """Whatever belongs to a row is there, or it is an error to look at it."""
    session.add_all([ArticleTagFactory.build(), CommentFactory.build()])
    await session.flush()
    session.expunge_all()
    row = (await session.scalars(select(model))).first()
    with pytest.raises(InvalidRequestError, match="raise"):
        getattr(row, name)


async def test_a_list_has_no_bodies(session: AsyncSession) -> None:
    """They may be long, and no list shows them."""
    session.add(ArticleTagFactory.build())
    await session.flush()
    session.expunge_all()
    admin = UserFactory.build(is_staff=True)
    (article,), count = await selectors.list_articles(session, actor=admin, query=ArticleQuery())
    assert (count, len(article.tags), article.author.is_admin) == (1, 1, False)
    with pytest.raises(InvalidRequestError, match="raise"):
        article.body  # noqa: B018 - to look at it is the point
