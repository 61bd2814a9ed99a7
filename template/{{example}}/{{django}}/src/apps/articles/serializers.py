"""Wire shapes of articles, comments and tags."""

from rest_framework.fields import DateTimeField, IntegerField, ListField
from rest_framework.fields import UUIDField as Id

from apps.articles.models import STATUSES
from apps.articles.policies import DRAFT
from config.serializers import CharField, ChoiceField, Serializer, UUIDField

MOST_TAGS = 10


class TagSerializer(Serializer):
    """A tag."""

    id = Id(read_only=True)
    name = CharField(lower=True, max_length=50)


class AuthorSerializer(Serializer):
    """What everybody may know of a user."""

    id = Id(read_only=True)
    full_name = CharField(read_only=True)


class ArticleSerializer(Serializer):
    """An article; its tags are read as they are and written as ids, in their order."""

    id = Id(read_only=True)
    title = CharField(max_length=200)
    body = CharField(max_length=50_000)
    status = ChoiceField(STATUSES, default=DRAFT)
    published_at = DateTimeField(read_only=True, allow_null=True)
    author = AuthorSerializer(read_only=True)
    tags = TagSerializer(source="ordered_tags", many=True, read_only=True)
    tag_ids = ListField(child=UUIDField(), max_length=MOST_TAGS, default=list, write_only=True)
    created_at = DateTimeField(read_only=True)
    updated_at = DateTimeField(read_only=True)


class ArticleItemSerializer(ArticleSerializer):
    """An article in a list."""

    body = None  # type: ignore[assignment] # REST framework's way to leave one out
    tag_ids = None  # type: ignore[assignment]


class CommentSerializer(Serializer):
    """A comment; whoever changes one does not move it."""

    id = Id(read_only=True)
    body = CharField(max_length=5000)
    author = AuthorSerializer(read_only=True, allow_null=True)
    parent_id = UUIDField(allow_null=True, read_only=True)
    created_at = DateTimeField(read_only=True)
    updated_at = DateTimeField(read_only=True)


class NewCommentSerializer(CommentSerializer):
    """A comment that may reply to another one."""

    parent_id = UUIDField(allow_null=True, default=None)


class TagFigureSerializer(Serializer):
    """A tag, and how many articles have it."""

    id = Id(source="tag_id")
    name = CharField(source="tag__name")
    articles = IntegerField()


class FiguresSerializer(Serializer):
    """Figures of what the caller may see."""

    articles = IntegerField()
    drafts = IntegerField()
    published = IntegerField()
    comments = IntegerField()
    per_tag = TagFigureSerializer(many=True)
