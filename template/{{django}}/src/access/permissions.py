"""The rules of `access.rules` as permissions of REST framework's views.

A view about one thing calls `check_object_permissions(request, thing)` with what has an
`owner_id`; lists are narrowed by their selectors.
"""

from typing import Any, cast

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from access import public, rules, selectors
from accounts.models import User
from observability.middleware import route_of


class _Permission(BasePermission):
    rule: rules.Rule = staticmethod(rules.authenticated)
    of_objects = False

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the caller may come in at all."""
        if not isinstance(request.user, User):
            return False
        return self.of_objects or self._holds(request, None)

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        """Return whether the caller may do this with what has an `owner_id`."""
        return self._holds(request, obj.owner_id if self.of_objects else None)

    def _holds(self, request: Request, owner_id: Any) -> bool:
        user = cast("User", request.user)
        return type(self).rule(user, owner_id, request.method in SAFE_METHODS)


class IsKnownOrPublic(BasePermission):
    """Whoever is known, and anybody on the routes of `access.public`; the default of views."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return whether the caller may come in."""
        route = route_of(request._request) or ""
        return isinstance(request.user, User) or public.is_public(str(request.method), route)


class IsAuthenticated(_Permission):
    """Whoever is known."""


class IsAdmin(_Permission):
    """Admins."""

    rule = staticmethod(rules.admin)


class IsSuperuser(_Permission):
    """Superusers."""

    rule = staticmethod(rules.superuser)


class IsOwner(_Permission):
    """Who owns it."""

    rule, of_objects = staticmethod(rules.owner), True


class IsOwnerOrReadOnly(_Permission):
    """Who owns it; whoever is known may read."""

    rule, of_objects = staticmethod(rules.owner_or_read_only), True


class IsOwnerOrAdmin(_Permission):
    """Who owns it, and admins."""

    rule, of_objects = staticmethod(rules.owner_or_admin), True


def role_with(permission: str) -> type[BasePermission]:
    """Return the permission of admins, and of users with a role that gives `permission`."""

    class HasRole(BasePermission):
        def has_permission(self, request: Request, view: Any) -> bool:
            return isinstance(request.user, User) and selectors.may(request.user, permission)

    return HasRole
