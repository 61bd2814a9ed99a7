"""Articles, tags and comments for tests; whatever one needs is made with it."""

from factory.declarations import Sequence, SubFactory
from factory.django import DjangoModelFactory
from factory.faker import Faker

from apps.articles.models import Article, ArticleTag, Comment, Tag
from tests.accounts.factories import UserFactory


class TagFactory(DjangoModelFactory[Tag]):
    """Tags, each with a name of its own."""

    class Meta:
        model = Tag

    name = Sequence(lambda number: f"tag-{number}")


class ArticleFactory(DjangoModelFactory[Article]):
    """Drafts without tags; a published one needs its `published_at` as well."""

    class Meta:
        model = Article

    author = SubFactory(UserFactory)
    title = Faker("sentence")
    body = Faker("paragraph")


class ArticleTagFactory(DjangoModelFactory[ArticleTag]):
    """First tags of articles."""

    class Meta:
        model = ArticleTag

    article = SubFactory(ArticleFactory)
    tag = SubFactory(TagFactory)
    position = 0


class CommentFactory(DjangoModelFactory[Comment]):
    """First comments on articles."""

    class Meta:
        model = Comment

    article = SubFactory(ArticleFactory)
    author = SubFactory(UserFactory)
    body = Faker("sentence")
