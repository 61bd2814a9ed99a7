"""Articles, tags and comments for tests; whatever one needs is made with it."""

from typing import Any
from uuid import uuid4

from polyfactory import Ignore, Use
from polyfactory.factories.sqlalchemy_factory import SQLAlchemyFactory

from apps.articles.models import Article, ArticleTag, Comment, Tag
from apps.articles.policies import DRAFT
from tests.accounts.factories import UserFactory


class TagFactory(SQLAlchemyFactory[Tag]):
    """Tags, each with a name of its own."""

    id = Use(uuid4)
    name = Use(lambda: f"tag-{uuid4().hex}")
    created_at = Ignore()
    updated_at = Ignore()


class ArticleFactory(SQLAlchemyFactory[Article]):
    """Drafts without tags; a published one needs its `published_at` as well."""

    __set_foreign_keys__ = False

    id = Use(uuid4)
    author = Use(UserFactory.build)
    links: Any = Use(list)
    title = Use(lambda: ArticleFactory.__faker__.sentence())
    body = Use(lambda: ArticleFactory.__faker__.paragraph())
    status = DRAFT
    published_at = None
    created_at = Ignore()
    updated_at = Ignore()


class ArticleTagFactory(SQLAlchemyFactory[ArticleTag]):
    """First tags of articles."""

    __set_foreign_keys__ = False

    id = Use(uuid4)
    article = Use(ArticleFactory.build)
    tag = Use(TagFactory.build)
    position = 0
    added_at = Ignore()


class CommentFactory(SQLAlchemyFactory[Comment]):
    """First comments on articles."""

    __set_foreign_keys__ = False

    id = Use(uuid4)
    article = Use(ArticleFactory.build)
    author = Use(UserFactory.build)
    parent = None
    body = Use(lambda: CommentFactory.__faker__.sentence())
    created_at = Ignore()
    updated_at = Ignore()
