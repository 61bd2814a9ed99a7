"""How lists of articles can be narrowed, searched and ordered: in these ways and no others."""

from typing import Annotated, Literal

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import QuerySet
from django_filters import FilterSet
from pydantic import BeforeValidator, StringConstraints, WithJsonSchema

from apps.articles.models import Article
from apps.articles.policies import Status
from config.lists import Filter
from config.validation import Flag, Identifier, Instant, Text

Statuses = Annotated[
    tuple[Status, ...],
    BeforeValidator(lambda text: text.split(",")),
    WithJsonSchema({"type": "string"}),
]
Lower = Annotated[Text, StringConstraints(to_lower=True)]
Words = Annotated[Text, StringConstraints(min_length=1, max_length=100)]
Ordering = Literal["created_at", "-created_at", "published_at", "-published_at", "title", "-title"]
Articles = QuerySet[Article]


class ArticleFilter(FilterSet):
    """The filters of articles."""

    status = Filter(Status)
    status__in = Filter(Statuses, "status", lookup_expr="in")
    author = Filter(Identifier, "author_id")
    tag = Filter(Lower, "tags__name")
    created_at__gte = Filter(Instant, "created_at", lookup_expr="gte")
    created_at__lt = Filter(Instant, "created_at", lookup_expr="lt")
    published_at__isnull = Filter(Flag, "published_at", lookup_expr="isnull")
    search = Filter(Words, method="find")
    ordering = Filter(Ordering, method="order")

    class Meta:
        """No filter but those above."""

        model = Article
        fields = ()

    def find(self, articles: Articles, name: str, words: str) -> Articles:
        """Return the articles whose titles contain all the words."""
        vector, query = SearchVector("title", config="simple"), SearchQuery(words, config="simple")
        return articles.annotate(search=vector).filter(search=query)

    def order(self, articles: Articles, name: str, ordering: str) -> Articles:
        """Return them in this order; ids break a tie in the same direction."""
        return articles.order_by(ordering, "-id" if ordering.startswith("-") else "id")
