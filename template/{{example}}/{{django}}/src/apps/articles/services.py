"""What changes articles, comments and tags. Nothing here commits: the request does."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from apps.articles import policies, selectors
from apps.articles.errors import TagTakenError
from apps.articles.models import Article, ArticleTag, Comment, Tag
from config.errors import FieldError, ForbiddenError, ValidationFailedError
from config.models import change, found


def create_article(
    *,
    author: User,
    title: str,
    body: str,
    status: policies.Status = policies.DRAFT,
    tag_ids: Sequence[uuid.UUID] = (),
) -> Article:
    """Create and return an article.

    Raises:
        ValidationFailedError: a tag is given twice, or does not exist.
    """
    published_at = policies.published_at(status, None, timezone.now())
    article = Article.objects.create(
        author=author, title=title, body=body, status=status, published_at=published_at
    )
    _tag(article, tag_ids)
    return selectors.get_article(actor=author, article_id=article.pk)


def update_article(
    *,
    actor: User,
    article_id: uuid.UUID,
    tag_ids: Sequence[uuid.UUID] | None = None,
    **changes: Any,
) -> Article:
    """Change and return an article; `tag_ids` replaces its tags.

    Raises:
        NotFoundError, ForbiddenError: it is not the actor's.
        ValidationFailedError: a tag is given twice, or does not exist.
    """
    article = _own_article(actor, article_id)
    status = changes.get("status", article.status)
    published_at = policies.published_at(status, article.published_at, timezone.now())
    change(article, **changes, published_at=published_at)
    if tag_ids is not None:
        _tag(article, tag_ids)
    return selectors.get_article(actor=actor, article_id=article_id)


def delete_article(*, actor: User, article_id: uuid.UUID) -> None:
    """Delete an article with its comments; errors as in `update_article`."""
    _own_article(actor, article_id).delete()


def _own_article(actor: User, article_id: uuid.UUID) -> Article:
    # Locked, so that two changes at once do not undo each other.
    visible = selectors.visible_articles(actor=actor).select_for_update()
    article = found(visible.filter(pk=article_id))
    _permit(actor, article.author_id)
    return article


def _permit(actor: User, owner_id: uuid.UUID | None) -> None:
    if not policies.is_theirs(actor, owner_id):
        raise ForbiddenError


def _tag(article: Article, tag_ids: Sequence[uuid.UUID]) -> None:
    known = set(Tag.objects.filter(pk__in=tag_ids).values_list("pk", flat=True))
    faults = [
        FieldError(f"#/tag_ids/{place}", "duplicate" if tag_id in tag_ids[:place] else "not_found")
        for place, tag_id in enumerate(tag_ids)
        if tag_id in tag_ids[:place] or tag_id not in known
    ]
    if faults:
        raise ValidationFailedError(faults)
    article.links.exclude(tag_id__in=tag_ids).delete()
    ArticleTag.objects.bulk_create(
        [ArticleTag(article=article, tag_id=id_, position=n) for n, id_ in enumerate(tag_ids)],
        update_conflicts=True,
        unique_fields=["article", "tag"],
        update_fields=["position"],
    )


def create_comment(
    *, author: User, article_id: uuid.UUID, body: str, parent_id: uuid.UUID | None = None
) -> Comment:
    """Create and return a comment.

    Raises:
        NotFoundError: there is no article that the author may know of.
        ValidationFailedError: the parent is no comment on the article.
    """
    article = selectors.get_article(actor=author, article_id=article_id)
    if parent_id and not article.comments.filter(pk=parent_id).exists():
        raise ValidationFailedError([FieldError("#/parent_id", "not_found")])
    return Comment.objects.create(article=article, author=author, parent_id=parent_id, body=body)


def update_comment(
    *, actor: User, article_id: uuid.UUID, comment_id: uuid.UUID, **changes: Any
) -> Comment:
    """Change and return a comment.

    Raises:
        NotFoundError, ForbiddenError: it is not the actor's.
    """
    return change(_own_comment(actor, article_id, comment_id), **changes)


def delete_comment(*, actor: User, article_id: uuid.UUID, comment_id: uuid.UUID) -> None:
    """Delete a comment with all replies; errors as in `update_comment`."""
    comment = _own_comment(actor, article_id, comment_id)
    # The database deletes the replies: Django would look for those of each, one in the other.
    Comment.objects.filter(pk=comment.pk)._raw_delete("default")


def _own_comment(actor: User, article_id: uuid.UUID, comment_id: uuid.UUID) -> Comment:
    comment = selectors.get_comment(actor=actor, article_id=article_id, comment_id=comment_id)
    _permit(actor, comment.author_id)
    return comment


def create_tag(*, name: str) -> Tag:
    """Create and return a tag.

    Raises:
        TagTakenError: one has this name.
    """
    with _refusing_taken_names():
        return Tag.objects.create(name=name)


def update_tag(*, actor: User, tag_id: uuid.UUID, **changes: Any) -> Tag:
    """Rename and return a tag.

    Raises:
        ForbiddenError: the actor is no admin.
        NotFoundError: there is none.
        TagTakenError: another one has this name.
    """
    _permit(actor, None)
    with _refusing_taken_names():
        return change(selectors.get_tag(tag_id=tag_id), **changes)


def delete_tag(*, actor: User, tag_id: uuid.UUID) -> None:
    """Delete a tag that no article has (an integrity error); other errors as in `update_tag`."""
    _permit(actor, None)
    selectors.get_tag(tag_id=tag_id).delete()


@contextmanager
def _refusing_taken_names() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise TagTakenError from None
