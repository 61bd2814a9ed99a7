"""What changes users."""

from datetime import UTC, datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from accounts import hashing, passwords, selectors
from accounts.errors import EmailTakenError, InvalidCredentialsError
from accounts.models import User
from config.errors import FieldError, ValidationFailedError


async def register_user(
    session: AsyncSession, *, email: str, password: str, full_name: str = ""
) -> User:
    """Make a user who can log in.

    Raises:
        ValidationFailedError: the password is not good enough.
        EmailTakenError: somebody has the address.
    """
    if fault := passwords.fault_of(password, email=email):
        raise ValidationFailedError([FieldError("#/password", fault)])
    if await selectors.find_user_by_email(session, email=email):
        raise EmailTakenError
    user = User(email=email, password=await hashing.make(password), full_name=full_name)
    session.add(user)
    try:
        await session.flush()
    except IntegrityError as error:  # somebody was faster
        raise EmailTakenError from error
    return user


async def log_in(session: AsyncSession, *, email: str, password: str) -> User:
    """Return the user whose credentials these are; note the time, and renew an outdated hash.

    Raises:
        InvalidCredentialsError: they are nobody's; it takes as long as if they were.
    """
    user = await selectors.find_user_by_email(session, email=email)
    matches = await hashing.matches(password, user.password if user else "")
    if user is None or not matches or not user.is_active:
        raise InvalidCredentialsError
    if hashing.is_outdated(user.password):
        user.password = await hashing.make(password)
    user.last_login = datetime.now(UTC)
    flag_modified(user, "updated_at")  # it stays: nothing changed that anybody is shown
    await session.flush()
    return user


async def update_user(session: AsyncSession, *, user: User, full_name: str | None = None) -> User:
    """Change what is given."""
    if full_name is not None:
        user.full_name = full_name
    await session.flush()
    return user


async def delete_user(session: AsyncSession, *, user: User) -> None:
    """Delete the user; the database refuses where something is protected by them."""
    await session.delete(user)
    await session.flush()
