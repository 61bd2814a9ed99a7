"""Articles, comments and tags in Django's admin; they are published by the API, with its rules."""

from django.contrib import admin

from apps.articles.models import Article, Comment, Tag


@admin.register(Article)
class Articles(admin.ModelAdmin):  # type: ignore[type-arg] # no class to ask at run time
    """What is written."""

    list_display = ("title", "author__email", "status", "published_at", "created_at")
    list_filter = ("status",)
    list_select_related = ("author",)
    search_fields = ("title",)
    raw_id_fields = ("author",)
    readonly_fields = ("status", "published_at", "created_at", "updated_at")


@admin.register(Comment)
class Comments(admin.ModelAdmin):  # type: ignore[type-arg] # as above
    """What is remarked."""

    list_display = ("body", "author__email", "created_at")
    list_select_related = ("author",)
    search_fields = ("body",)
    raw_id_fields = ("article", "author", "parent")
    readonly_fields = ("created_at", "updated_at")


@admin.register(Tag)
class Tags(admin.ModelAdmin):  # type: ignore[type-arg] # as above
    """Names of articles."""

    list_display = ("name", "created_at")
    search_fields = ("name",)
    readonly_fields = ("created_at", "updated_at")
