"""Articles, comments and tags.

What becomes of rows whose owner goes is the database's rule too: migration 0002 writes it down.
"""

import uuid
from typing import ClassVar, get_args

from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.db.models.functions import Lower, Now

from accounts.models import User
from apps.articles.policies import DRAFT, PUBLISHED, Status
from config.models import Index, Model

STATUSES: tuple[str, ...] = get_args(Status)


class Tag(Model):
    """A name that many articles can have, in lower case."""

    name = models.CharField(max_length=50)

    class Meta:
        """One tag a name."""

        db_table = "articles_tag"
        constraints: ClassVar = [
            UniqueConstraint(fields=["name"], name="articles_tag_name_key"),
            CheckConstraint(condition=Q(name=Lower("name")), name="articles_tag_name_check"),
        ]

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class Article(Model):
    """A text that somebody writes, and publishes for all users; its author cannot be deleted."""

    author = models.ForeignKey(User, models.PROTECT, related_name="articles", db_index=False)
    title = models.CharField(max_length=200)
    body = models.TextField()
    status = models.CharField(max_length=20, default=DRAFT, db_default=DRAFT)
    published_at = models.DateTimeField(null=True, blank=True)
    tags = models.ManyToManyField(Tag, through="ArticleTag", related_name="articles")

    class Meta:
        """An index for every order of the list and for what narrows it most."""

        db_table = "articles_article"
        constraints: ClassVar = [
            CheckConstraint(condition=Q(status__in=STATUSES), name="articles_article_status_check"),
            CheckConstraint(
                condition=Q(status=PUBLISHED, published_at__isnull=False)
                | (~Q(status=PUBLISHED) & Q(published_at__isnull=True)),
                name="articles_article_status_published_at_check",
            ),
        ]
        indexes: ClassVar = [
            Index(fields=["created_at", "id"]),
            Index(fields=["published_at", "id"]),
            Index(fields=["title", "id"]),
            Index(fields=["status", "created_at", "id"]),
            Index(fields=["author", "created_at", "id"]),
            GinIndex(SearchVector("title", config="simple"), name="articles_article_search_idx"),
        ]

    def __str__(self) -> str:
        """Return the title."""
        return self.title

    @property
    def ordered_tags(self) -> list[Tag]:
        """Return the tags in the order that they were given in."""
        return [link.tag for link in self.links.all()]


class ArticleTag(models.Model):
    """A tag of an article, and the place that the author gave it; a used tag stays."""

    id = models.UUIDField(
        primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False
    )
    article = models.ForeignKey(Article, models.CASCADE, related_name="links", db_index=False)
    tag = models.ForeignKey(Tag, models.PROTECT, related_name="links", db_index=False)
    position = models.IntegerField()
    added_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        """A tag is given once."""

        db_table = "articles_articletag"
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            UniqueConstraint(
                fields=["article", "tag"], name="articles_articletag_article_id_tag_id_key"
            )
        ]
        indexes: ClassVar = [Index(fields=["tag", "article"])]

    def __str__(self) -> str:
        """Return both ids."""
        return f"{self.article_id} {self.tag_id}"


class Comment(Model):
    """A remark on an article or on another remark; it stays when its author goes."""

    article = models.ForeignKey(Article, models.CASCADE, related_name="comments", db_index=False)
    author = models.ForeignKey(
        User, models.SET_NULL, null=True, related_name="comments", db_index=False
    )
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, related_name="replies", db_index=False
    )
    body = models.TextField()

    class Meta:
        """An index for the list, and for each row that can go."""

        db_table = "articles_comment"
        indexes: ClassVar = [
            Index(fields=["article", "created_at", "id"]),
            Index(fields=["author"]),
            Index(fields=["parent"]),
        ]

    def __str__(self) -> str:
        """Return the id."""
        return str(self.pk)
