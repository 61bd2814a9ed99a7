"""What the domain keeps. The rules of deletion are the database's; nothing is loaded unasked."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.models import User
from apps.articles.policies import DRAFT
from config.database import CreatedAt, Id, Model, UpdatedAt


class Tag(Model):
    """A word that articles are found by, kept in lower case."""

    __tablename__ = "articles_tag"
    __table_args__ = (CheckConstraint("name = lower(name)", name="name_check"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(50), unique=True)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]


class Article(Model):
    """A text of a user, whom it keeps from being deleted."""

    __tablename__ = "articles_article"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'published')", name="status_check"),
        CheckConstraint(
            "(status = 'published') = (published_at IS NOT NULL)",
            name="status_published_at_check",
        ),
        Index(None, "created_at", "id"),
        Index(None, "published_at", "id"),
        Index(None, "title", "id"),
        Index(None, "status", "created_at", "id"),
        Index(None, "author_id", "created_at", "id"),
        Index(
            "articles_article_search_idx",
            text("to_tsvector('simple'::regconfig, title)"),
            postgresql_using="gin",
        ),
    )

    id: Mapped[Id]
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(User.id, ondelete="RESTRICT"))
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20), default=DRAFT, server_default=DRAFT)
    published_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    author: Mapped[User] = relationship(lazy="raise")
    links: Mapped[list["ArticleTag"]] = relationship(
        back_populates="article",
        cascade="all, delete-orphan",
        lazy="raise",
        order_by="ArticleTag.position",
        passive_deletes=True,
    )

    @property
    def tags(self) -> list[Tag]:
        """The article's tags in its author's order."""
        return [link.tag for link in self.links]


class ArticleTag(Model):
    """A tag of an article, and its place among the article's tags."""

    __tablename__ = "articles_articletag"
    __table_args__ = (
        UniqueConstraint("article_id", "tag_id"),
        Index(None, "tag_id", "article_id"),
    )

    id: Mapped[Id]
    article_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"))
    tag_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Tag.id, ondelete="RESTRICT"))
    position: Mapped[int]
    added_at: Mapped[CreatedAt]

    article: Mapped[Article] = relationship(back_populates="links", lazy="raise")
    tag: Mapped[Tag] = relationship(lazy="raise")


class Comment(Model):
    """What somebody says about an article, or about a comment; it outlives its author's account."""

    __tablename__ = "articles_comment"
    __table_args__ = (Index(None, "article_id", "created_at", "id"),)

    id: Mapped[Id]
    article_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Article.id, ondelete="CASCADE"))
    author_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey(User.id, ondelete="SET NULL"), index=True
    )
    parent_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("articles_comment.id", ondelete="CASCADE"), index=True
    )
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    article: Mapped[Article] = relationship(lazy="raise")
    author: Mapped[User | None] = relationship(lazy="raise")
    parent: Mapped["Comment | None"] = relationship(lazy="raise", remote_side="Comment.id")
