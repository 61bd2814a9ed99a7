"""HTTP of articles, comments and tags."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.articles import selectors, serializers, services
from apps.articles.filters import ArticleFilter
from apps.articles.models import Article, Comment, Tag
from config.lists import Cursors, PageNumbers, Slices
from config.views import ListView, View


class ArticleList(ListView):
    """Articles."""

    filterset_class = ArticleFilter
    pagination_class = PageNumbers
    queryset = Article.objects.none()

    def get_queryset(self) -> QuerySet[Article]:
        """Return what the caller may see."""
        return selectors.list_articles(actor=self.user)

    def get_serializer_class(self) -> type[serializers.ArticleSerializer]:
        """Leave the bodies out of lists."""
        writes = self.request.method == "POST"
        return serializers.ArticleSerializer if writes else serializers.ArticleItemSerializer

    def get(self, request: Request) -> Response:
        """List the articles that the caller may see, by page."""
        return self.page()

    def post(self, request: Request) -> Response:
        """Write an article."""
        article = services.create_article(author=self.user, **self.body())
        return self.answer(article, 201, location=f"/api/v1/articles/{article.pk}")


class ArticleDetail(View):
    """An article."""

    serializer_class = serializers.ArticleSerializer

    @extend_schema(responses={200: serializers.ArticleSerializer, 304: None})
    def get(self, request: Request, article_id: UUID) -> Response:
        """Read an article."""
        which: dict[str, Any] = {"actor": self.user, "article_id": article_id}
        version = selectors.get_article_version(**which)
        return self.unchanged(*version) or self.answer(selectors.get_article(**which))

    def patch(self, request: Request, article_id: UUID) -> Response:
        """Change an article."""
        changes = self.body(partial=True)
        article = services.update_article(actor=self.user, article_id=article_id, **changes)
        return self.answer(article)

    def delete(self, request: Request, article_id: UUID) -> Response:
        """Delete an article and its comments."""
        services.delete_article(actor=self.user, article_id=article_id)
        return Response(status=204)


class Figures(View):
    """Figures of the articles."""

    serializer_class = serializers.FiguresSerializer

    def get(self, request: Request) -> Response:
        """Count what the caller may see."""
        return self.answer(selectors.count_articles(actor=self.user))


class CommentList(ListView):
    """Comments on an article."""

    pagination_class = Cursors
    queryset = Comment.objects.none()
    serializer_class = serializers.NewCommentSerializer

    def cursor_scope(self) -> str:
        """Return the name of the list."""
        return f"comments:{self.kwargs['article_id']}"

    def get_queryset(self) -> QuerySet[Comment]:
        """Return the comments, if the caller may see the article."""
        article_id = self.kwargs["article_id"]
        return selectors.list_comments(actor=self.user, article_id=article_id)

    def get(self, request: Request, article_id: UUID) -> Response:
        """List an article's comments by cursor, the oldest first."""
        return self.page()

    def post(self, request: Request, article_id: UUID) -> Response:
        """Comment on an article."""
        new = self.body()
        comment = services.create_comment(author=self.user, article_id=article_id, **new)
        place = f"/api/v1/articles/{article_id}/comments/{comment.pk}"
        return self.answer(comment, 201, location=place)


class CommentDetail(View):
    """A comment."""

    serializer_class = serializers.CommentSerializer

    def get(self, request: Request, **ids: UUID) -> Response:
        """Read a comment."""
        return self.answer(selectors.get_comment(actor=self.user, **ids))

    def patch(self, request: Request, **ids: UUID) -> Response:
        """Change a comment."""
        changes: dict[str, Any] = self.body(partial=True)
        return self.answer(services.update_comment(actor=self.user, **ids, **changes))

    def delete(self, request: Request, **ids: UUID) -> Response:
        """Delete a comment and its replies."""
        services.delete_comment(actor=self.user, **ids)
        return Response(status=204)


class TagList(ListView):
    """Tags."""

    pagination_class = Slices
    queryset = Tag.objects.none()
    serializer_class = serializers.TagSerializer

    def get_queryset(self) -> QuerySet[Tag]:
        """Return them all."""
        return selectors.list_tags()

    def get(self, request: Request) -> Response:
        """List the tags by name."""
        return self.page()

    def post(self, request: Request) -> Response:
        """Make a tag."""
        tag = services.create_tag(**self.body())
        return self.answer(tag, 201, location=f"/api/v1/tags/{tag.pk}")


class TagDetail(View):
    """A tag."""

    serializer_class = serializers.TagSerializer

    @extend_schema(responses={200: serializers.TagSerializer, 304: None})
    def get(self, request: Request, tag_id: UUID) -> Response:
        """Read a tag."""
        tag = selectors.get_tag(tag_id=tag_id)
        return self.unchanged(tag.updated_at) or self.answer(tag)

    def patch(self, request: Request, tag_id: UUID) -> Response:
        """Rename a tag; admins only."""
        changes = self.body(partial=True)
        return self.answer(services.update_tag(actor=self.user, tag_id=tag_id, **changes))

    def delete(self, request: Request, tag_id: UUID) -> Response:
        """Delete a tag that no article has; admins only."""
        services.delete_tag(actor=self.user, tag_id=tag_id)
        return Response(status=204)
