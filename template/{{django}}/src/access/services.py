"""What begins, renews and ends logins, and what gives roles."""

import uuid
from collections.abc import Collection
from datetime import timedelta

from django.db.models import Exists
from django.utils import timezone

from access import selectors
from access.models import RoleGrant, TokenFamily
from accounts import tokens
from accounts.errors import InvalidTokenError
from accounts.models import User
from accounts.tokens import Claims, Tokens
from config.environment import load
from observability import metrics


def _until() -> dict[str, object]:
    return {"expires_at": timezone.now() + timedelta(seconds=load().refresh_token_lifetime)}


def begin_family(*, user: User) -> Tokens:
    """Return the tokens of a new login."""
    family = TokenFamily.objects.create(user=user, current=uuid.uuid4(), **_until())
    metrics.auth_tokens.labels("issued").inc()
    return tokens.issue(Claims(user.pk, family.pk, family.current))


def refresh_family(*, refresh_token: str) -> Tokens:
    """Return new tokens for a refresh token, which is good for no more.

    Call it outside of a transaction: that a token came twice stays noted though it is refused.

    Raises:
        InvalidTokenError: it is not good; if it ever was, all tokens of its family are no longer.
    """
    claims = tokens.read_refresh(refresh_token)
    new = claims._replace(token_id=uuid.uuid4())
    # One statement about one row: of those who come at once, one finds its token current. A join
    # would become a subquery, which PostgreSQL does not look at again after it waited for a lock.
    good = TokenFamily.objects.filter(
        Exists(User.objects.filter(pk=claims.user_id, is_active=True)),
        pk=claims.family_id,
        user=claims.user_id,
        current=claims.token_id,
        revoked_at=None,
        expires_at__gt=timezone.now(),
    )
    renewed = good.update(current=new.token_id, **_until())
    if not renewed:
        _revoke(pk=claims.family_id)
        metrics.auth_failures.labels("refresh_token").inc()
        raise InvalidTokenError
    metrics.auth_tokens.labels("refreshed").inc()
    return tokens.issue(new)


def revoke_family(*, refresh_token: str) -> None:
    """End the login that a refresh token belongs to; what is no token ends nothing."""
    try:
        claims = tokens.read_refresh(refresh_token)
    except InvalidTokenError:
        return
    _revoke(pk=claims.family_id)


def revoke_families(*, user_id: uuid.UUID) -> None:
    """End all logins of a user."""
    _revoke(user=user_id)


def _revoke(**which: object) -> None:
    families = TokenFamily.objects.filter(revoked_at=None, **which)
    metrics.auth_tokens.labels("revoked").inc(families.update(revoked_at=timezone.now()))


def delete_expired_families() -> int:
    """Forget the logins whose tokens are all out of time; return how many."""
    return TokenFamily.objects.filter(expires_at__lt=timezone.now()).delete()[0]


def replace_roles(*, user: User, names: Collection[str]) -> None:
    """Give a user these roles and no others; who loses one has to log in again."""
    lost = set(selectors.list_roles(user_id=user.pk)) - set(names)
    if lost:
        RoleGrant.objects.filter(user=user, role__in=lost).delete()
        revoke_families(user_id=user.pk)
    RoleGrant.objects.bulk_create(
        [RoleGrant(user=user, role=name) for name in names], ignore_conflicts=True
    )
