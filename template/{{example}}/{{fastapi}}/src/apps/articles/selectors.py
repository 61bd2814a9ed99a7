"""What is read of articles, comments and tags, with everything that an answer shows of them."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, StringConstraints
from sqlalchemy import ColumnElement, Select, func, literal_column, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer, joinedload, selectinload

from accounts.models import User
from apps.articles.models import Article, ArticleTag, Comment, Tag
from apps.articles.policies import DRAFT, PUBLISHED, Actor, Status
from config.errors import NotFoundError
from config.pagination import FURTHEST, Cursor, CursorQuery, OffsetQuery, PageQuery
from config.validation import Flag, Identifier, Instant, Text, fault

MOST_USED = 10
SIMPLE: ColumnElement[str] = literal_column("'simple'")
SHOWN = (
    joinedload(Article.author, innerjoin=True),
    selectinload(Article.links).joinedload(ArticleTag.tag, innerjoin=True),
)


def _statuses(text: str) -> str:
    if not {DRAFT, PUBLISHED}.issuperset(text.split(",")):
        raise fault("invalid_choice")
    return text


class ArticleQuery(PageQuery):
    """What can be asked of the list of articles."""

    status: Status | None = None
    status__in: Annotated[str, AfterValidator(_statuses)] | None = None
    author: Identifier | None = None
    tag: Annotated[Text, StringConstraints(to_lower=True)] | None = None
    created_at__gte: Instant | None = None
    created_at__lt: Instant | None = None
    published_at__isnull: Flag | None = None
    search: Annotated[Text, StringConstraints(min_length=1, max_length=100)] | None = None
    ordering: Literal[
        "created_at", "-created_at", "published_at", "-published_at", "title", "-title"
    ] = "-created_at"


FILTERS: dict[str, Callable[[Any], ColumnElement[bool]]] = {
    "status": lambda status: Article.status == status,
    "status__in": lambda statuses: Article.status.in_(statuses.split(",")),
    "author": lambda author: Article.author_id == author,
    "tag": lambda name: Article.id.in_(
        select(ArticleTag.article_id).join(ArticleTag.tag).where(Tag.name == name)
    ),
    "created_at__gte": lambda moment: Article.created_at >= moment,
    "created_at__lt": lambda moment: Article.created_at < moment,
    "published_at__isnull": lambda is_null: (
        Article.published_at.is_(None) if is_null else Article.published_at.is_not(None)
    ),
    # Written out as in the index, which a parameter would not match.
    "search": lambda words: func.to_tsvector(SIMPLE, Article.title).op("@@")(
        func.plainto_tsquery(SIMPLE, words)
    ),
}


def _visible_to(actor: Actor) -> ColumnElement[bool]:
    if actor.is_admin:
        return true()
    return or_(Article.status == PUBLISHED, Article.author_id == actor.id)


async def _one(session: AsyncSession, found: Select[Any]) -> Any:
    row = await session.scalar(found)
    if row is None:
        raise NotFoundError
    return row


async def list_articles(
    session: AsyncSession, *, actor: Actor, query: ArticleQuery
) -> tuple[list[Article], int]:
    """Return a page of the articles that the actor may see, without bodies, and their number."""
    filters = [
        FILTERS[name](value) for name, value in query if name in FILTERS and value is not None
    ]
    column = getattr(Article, query.ordering.removeprefix("-"))
    order = [column, Article.id]
    if query.ordering.startswith("-"):
        order = [each.desc() for each in order]
    found = select(Article).where(_visible_to(actor), *filters).order_by(*order)
    # In the list's own order, so that an index is walked just as far as it has to be.
    counted = found.with_only_columns(Article.id).limit(FURTHEST).subquery()
    count = await session.scalar(select(func.count()).select_from(counted))
    page = found.options(*SHOWN, defer(Article.body, raiseload=True)).offset(query.offset)
    rows = await session.scalars(page.limit(min(query.page_size, FURTHEST - query.offset)))
    return list(rows), count or 0


async def get_article(
    session: AsyncSession, *, actor: Actor, article_id: uuid.UUID, for_update: bool = False
) -> Article:
    """Return an article that the actor may see; `for_update` locks it until the end.

    Raises:
        NotFoundError: there is none.
    """
    found = select(Article).where(Article.id == article_id, _visible_to(actor)).options(*SHOWN)
    if for_update:
        found = found.with_for_update(of=Article)
    article: Article = await _one(session, found)
    return article


async def get_article_version(
    session: AsyncSession, *, actor: Actor, article_id: uuid.UUID
) -> tuple[datetime, ...]:
    """Return when what is shown of an article changed last; `NotFoundError` as above."""
    found = await session.execute(
        select(Article.updated_at, User.updated_at, func.max(Tag.updated_at))
        .join(Article.author)
        .outerjoin(Article.links)
        .outerjoin(ArticleTag.tag)
        .where(Article.id == article_id, _visible_to(actor))
        .group_by(Article.id, User.id)
    )
    if row := found.one_or_none():
        return tuple(row)
    raise NotFoundError


async def get_statistics(session: AsyncSession, *, actor: Actor) -> dict[str, Any]:
    """Return how many articles and comments the actor may see, and the tags most used on them."""
    visible = select(Article.id, Article.status).where(_visible_to(actor)).cte("visible")
    comments = select(func.count()).select_from(Comment)
    counts = await session.execute(
        select(
            func.count().label("articles"),
            func.count().filter(visible.c.status == DRAFT).label("drafts"),
            func.count().filter(visible.c.status == PUBLISHED).label("published"),
            comments.join(visible, visible.c.id == Comment.article_id)
            .scalar_subquery()
            .label("comments"),
        ).select_from(visible)
    )
    uses = func.count().label("articles")
    per_tag = await session.execute(
        select(Tag.id, Tag.name, uses)
        .join(ArticleTag)
        .join(Article)
        .where(_visible_to(actor))
        .group_by(Tag.id)
        .order_by(uses.desc(), Tag.name)
        .limit(MOST_USED)
    )
    return {**counts.mappings().one(), "per_tag": per_tag.mappings().all()}


async def list_comments(
    session: AsyncSession,
    *,
    actor: Actor,
    article_id: uuid.UUID,
    query: CursorQuery,
    cursor: Cursor | None,
) -> list[Comment]:
    """Return the comments from the cursor on, oldest first, and one more than the page has.

    Raises:
        NotFoundError: there is no such article for the actor.
    """
    await _one(session, select(Article.id).where(Article.id == article_id, _visible_to(actor)))
    place = tuple_(Comment.created_at, Comment.id)
    found = select(Comment).where(Comment.article_id == article_id)
    order = [Comment.created_at, Comment.id]
    if cursor:
        moment, comment_id = cursor.position
        beside = (datetime.fromisoformat(moment), uuid.UUID(comment_id))
        found = found.where(place < beside if cursor.backwards else place > beside)
    if cursor and cursor.backwards:
        found = found.order_by(*(each.desc() for each in order))
    else:
        found = found.order_by(*order)
    found = found.options(joinedload(Comment.author)).limit(query.page_size + 1)
    return list(await session.scalars(found))


def position_of(comment: Comment) -> tuple[str, str]:
    """Return the comment's place in its list, for a cursor."""
    return comment.created_at.isoformat(), str(comment.id)


async def get_comment(
    session: AsyncSession, *, actor: Actor, article_id: uuid.UUID, comment_id: uuid.UUID
) -> Comment:
    """Return a comment on such an article; `NotFoundError` where there is none."""
    found = (
        select(Comment)
        .join(Article)
        .where(Comment.id == comment_id, Article.id == article_id, _visible_to(actor))
        .options(joinedload(Comment.author))
    )
    comment: Comment = await _one(session, found)
    return comment


async def list_tags(session: AsyncSession, *, query: OffsetQuery) -> tuple[list[Tag], bool]:
    """Return a page of the tags by name, and whether one follows."""
    found = select(Tag).order_by(Tag.name).offset(query.offset).limit(query.limit + 1)
    rows = list(await session.scalars(found))
    return rows[: query.limit], len(rows) > query.limit


async def get_tag(session: AsyncSession, *, tag_id: uuid.UUID) -> Tag:
    """Return a tag; `NotFoundError` where there is none."""
    tag: Tag = await _one(session, select(Tag).where(Tag.id == tag_id))
    return tag
