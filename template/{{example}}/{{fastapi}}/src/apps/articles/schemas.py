"""What comes in and goes out about articles, comments and tags."""

import uuid
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from apps.articles.policies import DRAFT, Status
from config.schemas import Input, Moment, Output, omitted
from config.validation import Identifier, Text

Title = Annotated[Text, StringConstraints(min_length=1, max_length=200)]
Body = Annotated[Text, StringConstraints(min_length=1, max_length=50_000)]
CommentBody = Annotated[Text, StringConstraints(min_length=1, max_length=5_000)]
# In lower case before it is measured: that may be longer.
TagName = Annotated[
    Text,
    StringConstraints(min_length=1, max_length=50),
    BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),
]
TagIds = Annotated[list[Identifier], Field(max_length=10)]


class Tag(Output):
    """A tag."""

    id: uuid.UUID
    name: str


class NewTag(Input):
    """A tag to make."""

    name: TagName


class TagChanges(Input):
    """What changes of a tag."""

    name: TagName = omitted()


class Author(Output):
    """Who wrote it."""

    id: uuid.UUID
    full_name: str


class ArticleItem(Output):
    """An article in a list."""

    id: uuid.UUID
    title: str
    status: Status
    published_at: Moment | None
    author: Author
    tags: list[Tag]
    created_at: Moment
    updated_at: Moment


class Article(Output):
    """An article."""

    id: uuid.UUID
    title: str
    body: str
    status: Status
    published_at: Moment | None
    author: Author
    tags: list[Tag]
    created_at: Moment
    updated_at: Moment


class NewArticle(Input):
    """An article to write."""

    title: Title
    body: Body
    status: Status = DRAFT
    tag_ids: TagIds = Field(default_factory=list)


class ArticleChanges(Input):
    """What changes of an article."""

    title: Title = omitted()
    body: Body = omitted()
    status: Status = omitted()
    tag_ids: TagIds = omitted()


class TagUse(Tag):
    """A tag, and how many articles have it."""

    articles: int


class Statistics(Output):
    """What there is, as far as the caller may see it."""

    articles: int
    drafts: int
    published: int
    comments: int
    per_tag: list[TagUse]


class Comment(Output):
    """A comment; without an author where that account was deleted."""

    id: uuid.UUID
    body: str
    author: Author | None
    parent_id: uuid.UUID | None
    created_at: Moment
    updated_at: Moment


class NewComment(Input):
    """A comment to write."""

    body: CommentBody
    parent_id: Identifier | None = None


class CommentChanges(Input):
    """What changes of a comment."""

    body: CommentBody = omitted()
