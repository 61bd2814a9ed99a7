"""What is read of users."""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from access.selectors import list_roles
from accounts.models import User
from accounts.schemas import Account
from config.errors import NotFoundError


async def get_user(session: AsyncSession, *, user_id: uuid.UUID) -> User:
    """Return the user.

    Raises:
        NotFoundError: there is none.
    """
    user = await session.get(User, user_id)
    if user is None:
        raise NotFoundError
    return user


async def get_account(session: AsyncSession, *, user_id: uuid.UUID) -> Account:
    """Return a user as admins see it, with its roles.

    Raises:
        NotFoundError: there is none.
    """
    user = await get_user(session, user_id=user_id)
    names = await list_roles(session, user_id=user_id)
    shown = {name: getattr(user, name) for name in Account.model_fields if name != "roles"}
    return Account(**shown, roles=names)


async def find_user_by_email(session: AsyncSession, *, email: str) -> User | None:
    """Return the user with this address, in whatever case it is given."""
    return await session.scalar(select(User).where(User.email == email.lower()))
