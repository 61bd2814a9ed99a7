"""What reads articles, comments and tags, with everything that an answer needs loaded."""

import uuid
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Prefetch, Q, QuerySet

from apps.articles.models import Article, ArticleTag, Comment, Tag
from apps.articles.policies import DRAFT, PUBLISHED, Actor
from config.models import found

MOST_USED = 10


def visible_articles(*, actor: Actor) -> QuerySet[Article]:
    """Return the articles that the actor may know of, as `policies.may_see` has it."""
    if actor.is_admin:
        return Article.objects.all()
    return Article.objects.filter(Q(status=PUBLISHED) | Q(author_id=actor.id))


def _complete(articles: QuerySet[Article]) -> QuerySet[Article]:
    links = ArticleTag.objects.select_related("tag")
    return articles.select_related("author").prefetch_related(Prefetch("links", links))


def list_articles(*, actor: Actor) -> QuerySet[Article]:
    """Return the articles that the actor may know of without their bodies, the newest first."""
    articles = _complete(visible_articles(actor=actor))
    return articles.defer("body").order_by("-created_at", "-id")


def get_article(*, actor: Actor, article_id: uuid.UUID) -> Article:
    """Return an article.

    Raises:
        NotFoundError: there is none that the actor may know of.
    """
    return found(_complete(visible_articles(actor=actor)).filter(pk=article_id))


def get_article_version(*, actor: Actor, article_id: uuid.UUID) -> tuple[datetime, ...]:
    """Return the times of the last changes of all that an article shows; errors as above."""
    articles = visible_articles(actor=actor).filter(pk=article_id)
    times = ("updated_at", "author__updated_at", Max("tags__updated_at"))
    return found(articles.values_list(*times))


def count_articles(*, actor: Actor) -> dict[str, Any]:
    """Return figures of the articles that the actor may know of, and of their comments."""
    visible = visible_articles(actor=actor)
    figures = visible.aggregate(
        articles=Count("id", distinct=True),
        drafts=Count("id", distinct=True, filter=Q(status=DRAFT)),
        comments=Count("comments"),
    )
    used = ArticleTag.objects.filter(article__in=visible).order_by()
    per_tag = used.values("tag_id", "tag__name").annotate(articles=Count("id"))
    return {
        **figures,
        "published": figures["articles"] - figures["drafts"],
        "per_tag": list(per_tag.order_by("-articles", "tag__name")[:MOST_USED]),
    }


def list_comments(*, actor: Actor, article_id: uuid.UUID) -> QuerySet[Comment]:
    """Return the comments on an article.

    Raises:
        NotFoundError: there is none that the actor may know of.
    """
    article = found(visible_articles(actor=actor).filter(pk=article_id))
    return article.comments.select_related("author")


def get_comment(*, actor: Actor, article_id: uuid.UUID, comment_id: uuid.UUID) -> Comment:
    """Return a comment.

    Raises:
        NotFoundError: there is none on an article that the actor may know of.
    """
    comments = Comment.objects.filter(pk=comment_id, article_id=article_id)
    comments = comments.filter(article__in=visible_articles(actor=actor))
    return found(comments.select_related("author"))


def list_tags() -> QuerySet[Tag]:
    """Return all tags by name."""
    return Tag.objects.order_by("name")


def get_tag(*, tag_id: uuid.UUID) -> Tag:
    """Return a tag.

    Raises:
        NotFoundError: there is none.
    """
    return found(Tag.objects.filter(pk=tag_id))
