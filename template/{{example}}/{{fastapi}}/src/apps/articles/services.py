"""What changes articles, comments and tags."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.models import User
from apps.articles import policies, selectors
from apps.articles.errors import TagTakenError
from apps.articles.models import Article, ArticleTag, Comment, Tag
from apps.articles.policies import DRAFT, Actor, Status
from config.errors import FieldError, ForbiddenError, ValidationFailedError


def _refuse_unless(allowed: bool) -> None:
    if not allowed:
        raise ForbiddenError


async def create_article(
    session: AsyncSession,
    *,
    author: User,
    title: str,
    body: str,
    status: Status = DRAFT,
    tag_ids: Sequence[uuid.UUID] = (),
) -> Article:
    """Write an article; `ValidationFailedError` names tags that are given twice or do not exist."""
    article = Article(author=author, title=title, body=body, links=[])
    _set_status(article, status)
    await _set_tags(session, article, tag_ids)
    session.add(article)
    await session.flush()
    return article


async def update_article(
    session: AsyncSession,
    *,
    actor: Actor,
    article_id: uuid.UUID,
    title: str | None = None,
    body: str | None = None,
    status: Status | None = None,
    tag_ids: Sequence[uuid.UUID] | None = None,
) -> Article:
    """Change what is given.

    Raises:
        NotFoundError, ForbiddenError: it is not the actor's.
        ValidationFailedError: tags are given twice or do not exist.
    """
    article = await _own_article(session, actor, article_id)
    article.title = article.title if title is None else title
    article.body = article.body if body is None else body
    if status is not None:
        _set_status(article, status)
    if tag_ids is not None:
        await _set_tags(session, article, tag_ids)
    article.updated_at = func.now()  # when nothing but its tags changed as well
    await session.flush()
    return article


async def delete_article(session: AsyncSession, *, actor: Actor, article_id: uuid.UUID) -> None:
    """Delete an article, its comments with it; errors as in `update_article`."""
    await session.delete(await _own_article(session, actor, article_id))
    await session.flush()


async def _own_article(session: AsyncSession, actor: Actor, article_id: uuid.UUID) -> Article:
    # Locked, so that two changes at once do not undo each other.
    article = await selectors.get_article(
        session, actor=actor, article_id=article_id, for_update=True
    )
    _refuse_unless(policies.is_theirs(actor, article.author_id))
    return article


def _set_status(article: Article, status: Status) -> None:
    article.status = status
    article.published_at = policies.published_at(status, article.published_at, datetime.now(UTC))


async def _set_tags(session: AsyncSession, article: Article, tag_ids: Sequence[uuid.UUID]) -> None:
    found = await session.scalars(select(Tag).where(Tag.id.in_(tag_ids))) if tag_ids else ()
    tags = {tag.id: tag for tag in found}
    faults = [
        FieldError(f"#/tag_ids/{place}", "duplicate" if tag_id in tag_ids[:place] else "not_found")
        for place, tag_id in enumerate(tag_ids)
        if tag_id in tag_ids[:place] or tag_id not in tags
    ]
    if faults:
        raise ValidationFailedError(faults)
    # Links that stay are kept, with the time they were added.
    links = {link.tag_id: link for link in article.links}
    article.links = [links.get(tag_id) or ArticleTag(tag=tags[tag_id]) for tag_id in tag_ids]
    for position, link in enumerate(article.links):
        link.position = position


async def create_comment(
    session: AsyncSession,
    *,
    author: User,
    article_id: uuid.UUID,
    body: str,
    parent_id: uuid.UUID | None = None,
) -> Comment:
    """Comment on an article.

    Raises:
        NotFoundError: there is none that the author may see.
        ValidationFailedError: the parent is none of its comments.
    """
    article = await selectors.get_article(session, actor=author, article_id=article_id)
    if parent_id:
        same = select(Comment.id).where(Comment.id == parent_id, Comment.article_id == article_id)
        if await session.scalar(same) is None:
            raise ValidationFailedError([FieldError("#/parent_id", "not_found")])
    comment = Comment(author=author, article=article, parent_id=parent_id, body=body)
    session.add(comment)
    await session.flush()
    return comment


async def update_comment(
    session: AsyncSession,
    *,
    actor: Actor,
    article_id: uuid.UUID,
    comment_id: uuid.UUID,
    body: str | None = None,
) -> Comment:
    """Change what is given; `NotFoundError` or `ForbiddenError` where it is not the actor's."""
    comment = await _own_comment(session, actor, article_id, comment_id)
    comment.body = comment.body if body is None else body
    comment.updated_at = func.now()
    await session.flush()
    return comment


async def delete_comment(
    session: AsyncSession, *, actor: Actor, article_id: uuid.UUID, comment_id: uuid.UUID
) -> None:
    """Delete a comment, the replies with it; errors as in `update_comment`."""
    await session.delete(await _own_comment(session, actor, article_id, comment_id))
    await session.flush()


async def _own_comment(
    session: AsyncSession, actor: Actor, article_id: uuid.UUID, comment_id: uuid.UUID
) -> Comment:
    comment = await selectors.get_comment(
        session, actor=actor, article_id=article_id, comment_id=comment_id
    )
    _refuse_unless(policies.is_theirs(actor, comment.author_id))
    return comment


async def create_tag(session: AsyncSession, *, name: str) -> Tag:
    """Make a tag; `TagTakenError` where there is one of this name."""
    tag = Tag(name=name)
    session.add(tag)
    return await _save(session, tag)


async def update_tag(
    session: AsyncSession, *, actor: Actor, tag_id: uuid.UUID, name: str | None = None
) -> Tag:
    """Change what is given.

    Raises:
        ForbiddenError: the actor is no admin.
        NotFoundError: there is none.
        TagTakenError: another one has this name.
    """
    _refuse_unless(actor.is_admin)
    tag = await selectors.get_tag(session, tag_id=tag_id)
    tag.name = tag.name if name is None else name
    return await _save(session, tag)


async def delete_tag(session: AsyncSession, *, actor: Actor, tag_id: uuid.UUID) -> None:
    """Delete a tag that no article has, or be refused by the database; errors as above."""
    _refuse_unless(actor.is_admin)
    await session.delete(await selectors.get_tag(session, tag_id=tag_id))
    await session.flush()


async def _save(session: AsyncSession, tag: Tag) -> Tag:
    try:
        await session.flush()
    except IntegrityError as error:
        raise TagTakenError from error
    return tag
