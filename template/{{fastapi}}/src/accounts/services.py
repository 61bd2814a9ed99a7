"""What changes users."""

import uuid
from datetime import UTC, datetime

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from access import services as access
from access.roles import check_unique
from accounts import hashing, passwords, selectors
from accounts.errors import EmailTakenError, InvalidCredentialsError
from accounts.models import User
from accounts.tokens import Tokens
from config.errors import FieldError, ForbiddenError, ValidationFailedError
from observability import metrics


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


async def log_in(session: AsyncSession, *, email: str, password: str) -> Tokens:
    """Return the tokens of a new login; note the time, and renew an outdated hash.

    Raises:
        InvalidCredentialsError: they are nobody's; it takes as long as if they were.
    """
    user = await selectors.find_user_by_email(session, email=email)
    matches = await hashing.matches(password, user.password if user else "")
    if user is None or not matches or not user.is_active:
        metrics.auth_failures.labels("credentials").inc()
        raise InvalidCredentialsError
    outdated = hashing.is_outdated(user.password)
    noted = await session.scalar(
        update(User)
        # Whoever changes the password or shuts the user out meanwhile ends the logins that are
        # there, not one that follows.
        .where(User.id == user.id, User.password == user.password, User.is_active)
        .values(
            password=await hashing.make(password) if outdated else user.password,
            last_login=datetime.now(UTC),
            updated_at=User.updated_at,  # it stays: nothing changed that anybody is shown
        )
        .returning(User.id)
        .execution_options(synchronize_session=False)
    )
    if noted is None:
        metrics.auth_failures.labels("credentials").inc()
        raise InvalidCredentialsError
    return await access.begin_family(session, user=user)


async def change_password(
    session: AsyncSession, *, user: User, current_password: str, new_password: str
) -> None:
    """Change the password, and end all logins of the user.

    Raises:
        ValidationFailedError: the current one is wrong, or the new one not good enough.
    """
    faults = []
    if not await hashing.matches(current_password, user.password):
        faults.append(FieldError("#/current_password", "wrong_password"))
    if fault := passwords.fault_of(new_password, email=user.email):
        faults.append(FieldError("#/new_password", fault))
    if faults:
        raise ValidationFailedError(faults)
    user.password = await hashing.make(new_password)
    await session.flush()
    await access.revoke_families(session, user_id=user.id)


async def set_active(
    session: AsyncSession, *, actor: User, user_id: uuid.UUID, is_active: bool | None = None
) -> None:
    """Let a user in, or out: then all logins end.

    Raises:
        NotFoundError: there is no such user.
        ForbiddenError: it is a superuser, and the actor is none.
    """
    user = await _changeable(session, actor=actor, user_id=user_id)
    if is_active is None:
        return
    user.is_active = is_active
    await session.flush()
    if not is_active:
        await access.revoke_families(session, user_id=user.id)


async def replace_roles(
    session: AsyncSession, *, actor: User, user_id: uuid.UUID, roles: list[str]
) -> None:
    """Give a user these roles and no others.

    Raises:
        ValidationFailedError: a role is given twice.
        NotFoundError: there is no such user.
        ForbiddenError: it is a superuser, and the actor is none.
    """
    check_unique(roles)
    user = await _changeable(session, actor=actor, user_id=user_id)
    await access.replace_roles(session, user=user, names=roles)


async def _changeable(session: AsyncSession, *, actor: User, user_id: uuid.UUID) -> User:
    user = await selectors.get_user(session, user_id=user_id)
    if user.is_superuser and not actor.is_superuser:
        raise ForbiddenError
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
