"""What is read of users."""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.models import User


async def find_user(session: AsyncSession, *, user_id: uuid.UUID) -> User | None:
    """Return the user if there is one who may come in."""
    return await session.scalar(select(User).where(User.id == user_id, User.is_active))


async def find_user_by_email(session: AsyncSession, *, email: str) -> User | None:
    """Return the user with this address, in whatever case it is given."""
    return await session.scalar(select(User).where(User.email == email.lower()))
