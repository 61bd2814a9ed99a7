"""What is read of roles and logins."""

import uuid

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef
from django.utils import timezone

from access import roles
from access.models import RoleGrant, TokenFamily
from accounts.models import User
from accounts.tokens import Claims
from config.models import found


def find_user(claims: Claims) -> User | None:
    """Return whose access token it is, if neither the user nor the login was ended."""
    family = TokenFamily.objects.filter(
        pk=claims.family_id, user=OuterRef("pk"), revoked_at=None, expires_at__gt=timezone.now()
    )
    return User.objects.filter(Exists(family), pk=claims.user_id, is_active=True).first()


def get_account(*, user_id: uuid.UUID) -> User:
    """Return a user with the names of its `roles`, sorted.

    Raises:
        NotFoundError: there is none.
    """
    grants = RoleGrant.objects.filter(user=OuterRef("pk")).order_by("role").values("role")
    return found(User.objects.annotate(roles=ArraySubquery(grants)).filter(pk=user_id))


def list_roles(*, user_id: uuid.UUID) -> list[str]:
    """Return the names of a user's roles, sorted."""
    grants = RoleGrant.objects.filter(user=user_id)
    return list(grants.order_by("role").values_list("role", flat=True))


def may(user: User, permission: str) -> bool:
    """Return whether a user has a permission: by a role, or as an admin."""
    return user.is_admin or roles.gives(list_roles(user_id=user.pk), permission)
