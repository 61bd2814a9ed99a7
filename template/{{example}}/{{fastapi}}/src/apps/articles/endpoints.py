"""HTTP about articles, comments and tags."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from accounts.authentication import CurrentUser
from apps.articles import schemas, selectors, services
from apps.articles.models import Article, Comment, Tag
from apps.articles.selectors import ArticleQuery
from config import pagination
from config.conditional import UNCHANGED, ConditionalRead
from config.database import Session
from config.lists import Page, Place, Slice
from config.pagination import CursorQuery, OffsetQuery

articles = APIRouter(prefix="/api/v1/articles", tags=["articles"])
comments = APIRouter(prefix="/api/v1/articles/{article_id:uuid}/comments", tags=["comments"])
tags = APIRouter(prefix="/api/v1/tags", tags=["tags"])


@articles.get("", response_model=Page[schemas.ArticleItem])
async def list_articles(
    session: Session, user: CurrentUser, place: Place, query: Annotated[ArticleQuery, Query()]
) -> dict[str, Any]:
    """List the articles that the caller may see, by page."""
    rows, count = await selectors.list_articles(session, actor=user, query=query)
    return pagination.by_page(rows, count=count, query=query, **place)


@articles.post("", status_code=201, response_model=schemas.Article)
async def create_article(
    session: Session, user: CurrentUser, response: Response, new: schemas.NewArticle
) -> Article:
    """Write an article."""
    article = await services.create_article(session, author=user, **new.model_dump())
    response.headers["Location"] = f"/api/v1/articles/{article.id}"
    return article


@articles.get("/stats", response_model=schemas.Statistics)
async def get_statistics(session: Session, user: CurrentUser) -> dict[str, Any]:
    """Count what the caller may see."""
    return await selectors.get_statistics(session, actor=user)


@articles.get("/{article_id:uuid}", response_model=schemas.Article, responses=UNCHANGED)
async def get_article(
    session: Session, user: CurrentUser, read: ConditionalRead, article_id: UUID
) -> Article | Response:
    """Read an article."""
    version = await selectors.get_article_version(session, actor=user, article_id=article_id)
    return read.unchanged(*version) or await selectors.get_article(
        session, actor=user, article_id=article_id
    )


@articles.patch("/{article_id:uuid}", response_model=schemas.Article)
async def update_article(
    session: Session, user: CurrentUser, article_id: UUID, changes: schemas.ArticleChanges
) -> Article:
    """Change an article."""
    given = changes.model_dump(exclude_unset=True)
    return await services.update_article(session, actor=user, article_id=article_id, **given)


@articles.delete("/{article_id:uuid}", status_code=204, response_class=Response)
async def delete_article(session: Session, user: CurrentUser, article_id: UUID) -> None:
    """Delete an article and its comments."""
    await services.delete_article(session, actor=user, article_id=article_id)


@comments.get("", response_model=Slice[schemas.Comment])
async def list_comments(
    session: Session,
    user: CurrentUser,
    place: Place,
    article_id: UUID,
    query: Annotated[CursorQuery, Query()],
) -> dict[str, Any]:
    """List an article's comments by cursor, oldest first."""
    scope = f"comments:{article_id}"
    cursor = pagination.decode(query.cursor, scope=scope)
    rows = await selectors.list_comments(
        session, actor=user, article_id=article_id, query=query, cursor=cursor
    )
    page, links = pagination.by_cursor(
        rows,
        cursor=cursor,
        query=query,
        scope=scope,
        position=selectors.position_of,
        **place,
    )
    return {**links, "results": page}


@comments.post("", status_code=201, response_model=schemas.Comment)
async def create_comment(
    session: Session,
    user: CurrentUser,
    response: Response,
    article_id: UUID,
    new: schemas.NewComment,
) -> Comment:
    """Comment on an article."""
    comment = await services.create_comment(
        session, author=user, article_id=article_id, **new.model_dump()
    )
    response.headers["Location"] = f"/api/v1/articles/{article_id}/comments/{comment.id}"
    return comment


@comments.get("/{comment_id:uuid}", response_model=schemas.Comment)
async def get_comment(
    session: Session, user: CurrentUser, article_id: UUID, comment_id: UUID
) -> Comment:
    """Read a comment."""
    return await selectors.get_comment(
        session, actor=user, article_id=article_id, comment_id=comment_id
    )


@comments.patch("/{comment_id:uuid}", response_model=schemas.Comment)
async def update_comment(
    session: Session,
    user: CurrentUser,
    article_id: UUID,
    comment_id: UUID,
    changes: schemas.CommentChanges,
) -> Comment:
    """Change a comment."""
    given = changes.model_dump(exclude_unset=True)
    return await services.update_comment(
        session, actor=user, article_id=article_id, comment_id=comment_id, **given
    )


@comments.delete("/{comment_id:uuid}", status_code=204, response_class=Response)
async def delete_comment(
    session: Session, user: CurrentUser, article_id: UUID, comment_id: UUID
) -> None:
    """Delete a comment and its replies."""
    await services.delete_comment(session, actor=user, article_id=article_id, comment_id=comment_id)


@tags.get("", response_model=Slice[schemas.Tag])
async def list_tags(
    session: Session, _: CurrentUser, place: Place, query: Annotated[OffsetQuery, Query()]
) -> dict[str, Any]:
    """List the tags by name."""
    rows, more = await selectors.list_tags(session, query=query)
    return pagination.by_offset(rows, more=more, query=query, **place)


@tags.post("", status_code=201, response_model=schemas.Tag)
async def create_tag(
    session: Session, _: CurrentUser, response: Response, new: schemas.NewTag
) -> Tag:
    """Make a tag."""
    tag = await services.create_tag(session, name=new.name)
    response.headers["Location"] = f"/api/v1/tags/{tag.id}"
    return tag


@tags.get("/{tag_id:uuid}", response_model=schemas.Tag, responses=UNCHANGED)
async def get_tag(
    session: Session, _: CurrentUser, read: ConditionalRead, tag_id: UUID
) -> Tag | Response:
    """Read a tag."""
    tag = await selectors.get_tag(session, tag_id=tag_id)
    return read.unchanged(tag.updated_at) or tag


@tags.patch("/{tag_id:uuid}", response_model=schemas.Tag)
async def update_tag(
    session: Session, user: CurrentUser, tag_id: UUID, changes: schemas.TagChanges
) -> Tag:
    """Rename a tag, as an admin."""
    given = changes.model_dump(exclude_unset=True)
    return await services.update_tag(session, actor=user, tag_id=tag_id, **given)


@tags.delete("/{tag_id:uuid}", status_code=204, response_class=Response)
async def delete_tag(session: Session, user: CurrentUser, tag_id: UUID) -> None:
    """Delete a tag that no article has, as an admin."""
    await services.delete_tag(session, actor=user, tag_id=tag_id)


router = APIRouter()
for each in (articles, comments, tags):
    router.include_router(each)
