"""What is read of roles and logins."""

import uuid

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from access import roles
from access.models import RoleGrant, TokenFamily
from accounts.models import User
from accounts.tokens import Claims


async def find_user(session: AsyncSession, claims: Claims) -> User | None:
    """Return whose access token it is, if neither the user nor the login was ended."""
    family = select(TokenFamily.id).where(
        TokenFamily.id == claims.family_id,
        TokenFamily.user_id == User.id,
        TokenFamily.revoked_at.is_(None),
        TokenFamily.expires_at > func.now(),
    )
    return await session.scalar(
        select(User).where(User.id == claims.user_id, User.is_active, family.exists())
    )


async def list_roles(session: AsyncSession, *, user_id: uuid.UUID) -> list[str]:
    """Return the names of a user's roles, sorted."""
    grants = select(RoleGrant.role).where(RoleGrant.user_id == user_id)
    return list(await session.scalars(grants.order_by(RoleGrant.role)))


async def may(session: AsyncSession, user: User, permission: str) -> bool:
    """Return whether a user has a permission: by a role, or as an admin."""
    if user.is_admin:
        return True
    return roles.gives(await list_roles(session, user_id=user.id), permission)
