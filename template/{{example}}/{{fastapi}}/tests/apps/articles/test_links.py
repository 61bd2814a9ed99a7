"""The tags of an article, through links that know more than who belongs to whom."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.models import User
from apps.articles import selectors, services
from apps.articles.models import Article
from config import database as module
from tests.accounts.factories import UserFactory
from tests.apps.articles.factories import TagFactory
from tests.support import Make

pytestmark = pytest.mark.integration


async def test_links_that_stay_are_kept(session: AsyncSession) -> None:
    """With the time at which they were made; only their places change."""
    first, second, third = (TagFactory.build() for _ in range(3))
    author: User = UserFactory.build()
    session.add_all([author, first, second, third])
    article = await services.create_article(
        session, author=author, title="A", body="B", tag_ids=[first.id, second.id]
    )
    kept = {link.tag_id: (link.id, link.added_at) for link in article.links}
    await services.update_article(
        session, actor=author, article_id=article.id, tag_ids=[third.id, second.id]
    )
    session.expunge_all()
    read = await selectors.get_article(session, actor=author, article_id=article.id)
    assert [tag.id for tag in read.tags] == [third.id, second.id]
    assert [link.position for link in read.links] == [0, 1]
    assert (read.links[1].id, read.links[1].added_at) == kept[second.id]


async def test_two_changes_at_once_do_not_collide(make: Make) -> None:
    """The second one waits for the first, and builds on it."""
    author, tag = make(UserFactory), make(TagFactory)

    async def change() -> Article:
        async with module.sessions().begin() as session:
            return await services.update_article(
                session, actor=author, article_id=article.id, tag_ids=[tag.id]
            )

    async with module.sessions().begin() as session:
        writer = await session.merge(author)
        article = await services.create_article(session, author=writer, title="A", body="B")
    changed = await asyncio.gather(*(change() for _ in range(5)))
    assert len({each.links[0].id for each in changed}) == 1
    await module.engine().dispose()
