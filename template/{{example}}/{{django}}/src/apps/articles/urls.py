"""Routes of articles, comments and tags."""

from django.urls import path

from apps.articles import views

COMMENTS = "api/v1/articles/<id:article_id>/comments"

urlpatterns = [
    path("api/v1/articles", views.ArticleList.as_view()),
    path("api/v1/articles/stats", views.Figures.as_view()),
    path("api/v1/articles/<id:article_id>", views.ArticleDetail.as_view()),
    path(COMMENTS, views.CommentList.as_view()),
    path(f"{COMMENTS}/<id:comment_id>", views.CommentDetail.as_view()),
    path("api/v1/tags", views.TagList.as_view()),
    path("api/v1/tags/<id:tag_id>", views.TagDetail.as_view()),
]
