"""Users, their roles and their logins in Django's admin."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.forms import ChoiceField
from django.http import HttpRequest

from access import services as access
from access.models import RoleGrant
from access.roles import known
from accounts.models import User

admin.site.unregister(Group)  # roles say who may do what


class Roles(admin.TabularInline):  # type: ignore[type-arg] # no class to ask at run time
    """The roles of a user."""

    model = RoleGrant
    extra = 0

    def formfield_for_dbfield(self, db_field: Any, request: Any, **options: Any) -> Any:
        """Offer the roles that there are."""
        if db_field.name == "role":
            return ChoiceField(choices=[(name, name) for name in sorted(known())])
        return super().formfield_for_dbfield(db_field, request, **options)


@admin.register(User)
class Users(UserAdmin):  # type: ignore[type-arg] # as above
    """Users; who is shut out is so everywhere, at once."""

    ordering = ("email",)
    list_display = ("email", "full_name", "is_active", "is_staff", "is_superuser")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "full_name")
    readonly_fields = ("last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("email", "password", "full_name")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")}),
        ("Times", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
    filter_horizontal = ("user_permissions",)
    inlines: ClassVar = [Roles]

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> LogEntry:
        """Note a change; who may no longer come in, or not with a password, is out at once."""
        if not (obj.is_active and obj.has_usable_password()):
            access.revoke_families(user_id=obj.pk)
        return super().log_change(request, obj, message)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save the roles; who loses one has to log in again."""
        super().save_formset(request, form, formset, change)
        if formset.deleted_objects or formset.changed_objects:
            access.revoke_families(user_id=form.instance.pk)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Let none but superusers change users: who changes them could become one."""
        return super().has_change_permission(request, obj) and bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Let none but superusers delete users, of whom some are superusers."""
        return super().has_delete_permission(request, obj) and bool(request.user.is_superuser)
