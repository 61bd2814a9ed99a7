"""Profiles in Django's admin."""

from django.contrib import admin

from apps.profiles.models import Profile


@admin.register(Profile)
class Profiles(admin.ModelAdmin):  # type: ignore[type-arg] # no class to ask at run time
    """What users tell."""

    list_display = ("user__email", "website", "updated_at")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    raw_id_fields = ("user",)
    readonly_fields = ("created_at", "updated_at")
