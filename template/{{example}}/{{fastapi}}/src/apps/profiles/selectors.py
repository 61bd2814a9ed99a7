"""What is read of profiles."""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from apps.profiles.models import Profile


async def get_profile(session: AsyncSession, *, user_id: uuid.UUID) -> Profile:
    """Return a user's profile, an empty one where nothing was written yet."""
    found = await session.scalar(select(Profile).where(Profile.user_id == user_id))
    return found or Profile(user_id=user_id, bio="", website="")
