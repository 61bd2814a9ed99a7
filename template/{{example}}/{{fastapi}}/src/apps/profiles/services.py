"""What changes profiles."""

import uuid

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from apps.profiles.models import Profile


async def write_profile(
    session: AsyncSession, *, user_id: uuid.UUID, bio: str, website: str
) -> Profile:
    """Make or replace a user's profile; two at once do not collide."""
    told = {"bio": bio, "website": website}
    statement = (
        insert(Profile)
        .values(user_id=user_id, **told)
        .on_conflict_do_update(
            index_elements=[Profile.user_id], set_={**told, "updated_at": func.now()}
        )
        .returning(Profile)
    )
    return (await session.scalars(statement)).one()
