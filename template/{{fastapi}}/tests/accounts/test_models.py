"""The user: one address, one person."""

import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from accounts.models import User

pytestmark = pytest.mark.integration


async def test_a_user_is_complete_by_its_address(session: AsyncSession) -> None:
    """Everything else has a default, an id and moments included."""
    user = User(email="ada@example.org", password="hashed")
    session.add(user)
    await session.commit()
    await session.refresh(user)
    assert isinstance(user.id, uuid.UUID)
    assert user.full_name == ""
    assert (user.is_active, user.is_staff, user.is_superuser) == (True, False, False)
    assert user.created_at.tzinfo
    assert user.updated_at == user.created_at
    assert (user.email_verified_at, user.last_login) == (None, None)


async def test_a_change_is_dated(session: AsyncSession) -> None:
    """`updated_at` follows, `created_at` stays."""
    user = User(email="ada@example.org", password="hashed")
    session.add(user)
    await session.commit()
    await session.execute(text("UPDATE accounts_user SET updated_at = 'epoch'"))
    user.full_name = "Ada"
    await session.commit()
    await session.refresh(user)
    assert user.updated_at == user.created_at


async def test_defaults_are_the_database_s_own(session: AsyncSession) -> None:
    """A row that is written by hand is as complete as ours."""
    statement = (
        "INSERT INTO accounts_user (email, password) VALUES ('ada@example.org', '') RETURNING *"
    )
    row = (await session.execute(text(statement))).mappings().one()
    assert row["id"]
    assert (row["is_active"], row["is_staff"], row["full_name"]) == (True, False, "")


async def test_an_address_is_taken_once(session: AsyncSession) -> None:
    """Two users never share one."""
    session.add_all([User(email="ada@example.org", password="") for _ in range(2)])
    with pytest.raises(IntegrityError, match="accounts_user_email_key"):
        await session.flush()


async def test_the_database_refuses_upper_case(session: AsyncSession) -> None:
    """No code can make two users of one address by its spelling."""
    session.add(User(email="Ada@example.org", password=""))
    with pytest.raises(IntegrityError, match="accounts_user_email_lower"):
        await session.flush()
