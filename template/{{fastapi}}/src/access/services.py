"""What begins, renews and ends logins, and what gives roles."""

import uuid
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from access import selectors
from access.models import RoleGrant, TokenFamily
from accounts import tokens
from accounts.errors import InvalidTokenError
from accounts.models import User
from accounts.tokens import Claims, Tokens
from config.database import sessions
from config.environment import load
from observability import metrics


def _until() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=load().refresh_token_lifetime)


async def begin_family(session: AsyncSession, *, user: User) -> Tokens:
    """Return the tokens of a new login."""
    family = TokenFamily(user_id=user.id, current=uuid.uuid4(), expires_at=_until())
    session.add(family)
    await session.flush()
    metrics.auth_tokens.labels("issued").inc()
    return tokens.issue(Claims(user.id, family.id, family.current))


async def refresh_family(session: AsyncSession, *, refresh_token: str) -> Tokens:
    """Return new tokens for a refresh token, which is good for no more.

    Raises:
        InvalidTokenError: it is not good; if it ever was, all tokens of its family are no longer.
    """
    claims = tokens.read_refresh(refresh_token)
    new = claims._replace(token_id=uuid.uuid4())
    # One statement about one row: of those who come at once, one finds its token current.
    renewed = await session.scalar(
        update(TokenFamily)
        .where(
            TokenFamily.id == claims.family_id,
            TokenFamily.user_id == claims.user_id,
            TokenFamily.current == claims.token_id,
            TokenFamily.revoked_at.is_(None),
            TokenFamily.expires_at > func.now(),
            select(User.id).where(User.id == claims.user_id, User.is_active).exists(),
        )
        .values(current=new.token_id, expires_at=_until())
        .returning(TokenFamily.id)
    )
    if renewed is None:
        # In a transaction of its own: that a token came twice stays noted though it is refused.
        await session.rollback()
        async with sessions().begin() as own:
            await _revoke(own, TokenFamily.id == claims.family_id)
        metrics.auth_failures.labels("refresh_token").inc()
        raise InvalidTokenError
    metrics.auth_tokens.labels("refreshed").inc()
    return tokens.issue(new)


async def revoke_family(session: AsyncSession, *, refresh_token: str) -> None:
    """End the login that a refresh token belongs to; what is no token ends nothing."""
    try:
        claims = tokens.read_refresh(refresh_token)
    except InvalidTokenError:
        return
    await _revoke(session, TokenFamily.id == claims.family_id)


async def revoke_families(session: AsyncSession, *, user_id: uuid.UUID) -> None:
    """End all logins of a user."""
    await _revoke(session, TokenFamily.user_id == user_id)


async def _revoke(session: AsyncSession, which: ColumnElement[bool]) -> None:
    families = update(TokenFamily).where(which, TokenFamily.revoked_at.is_(None))
    ended = await session.scalars(families.values(revoked_at=func.now()).returning(TokenFamily.id))
    metrics.auth_tokens.labels("revoked").inc(len(ended.all()))


async def delete_expired_families(session: AsyncSession) -> int:
    """Forget the logins whose tokens are all out of time; return how many."""
    expired = delete(TokenFamily).where(TokenFamily.expires_at < func.now())
    return len((await session.scalars(expired.returning(TokenFamily.id))).all())


async def replace_roles(session: AsyncSession, *, user: User, names: Collection[str]) -> None:
    """Give a user these roles and no others; who loses one has to log in again."""
    lost = set(await selectors.list_roles(session, user_id=user.id)) - set(names)
    if lost:
        await session.execute(
            delete(RoleGrant).where(RoleGrant.user_id == user.id, RoleGrant.role.in_(lost))
        )
        await revoke_families(session, user_id=user.id)
    if names:
        rows = [{"user_id": user.id, "role": name} for name in names]
        await session.execute(insert(RoleGrant).values(rows).on_conflict_do_nothing())
