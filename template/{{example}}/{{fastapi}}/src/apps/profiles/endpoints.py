"""HTTP about profiles."""

from fastapi import APIRouter

from accounts.authentication import CurrentUser
from apps.profiles import schemas, selectors, services
from apps.profiles.models import Profile
from config.database import Session

router = APIRouter(prefix="/api/v1/profiles", tags=["profiles"])


@router.get("/me", response_model=schemas.Profile)
async def get_my_profile(session: Session, user: CurrentUser) -> Profile:
    """Return the caller's profile."""
    return await selectors.get_profile(session, user_id=user.id)


@router.put("/me", response_model=schemas.Profile)
async def write_my_profile(
    session: Session, user: CurrentUser, profile: schemas.NewProfile
) -> Profile:
    """Make or replace the caller's profile."""
    return await services.write_profile(session, user_id=user.id, **profile.model_dump())
