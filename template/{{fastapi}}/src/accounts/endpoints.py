"""HTTP about accounts."""

from fastapi import APIRouter, Response

from accounts import schemas, services, tokens
from accounts.authentication import CurrentUser
from accounts.models import User
from config.database import Session

router = APIRouter(prefix="/api/v1")


@router.post("/auth/register", status_code=201, response_model=schemas.User, tags=["auth"])
async def register(session: Session, response: Response, new: schemas.NewUser) -> User:
    """Make an account."""
    response.headers["Location"] = "/api/v1/users/me"
    return await services.register_user(session, **new.model_dump())


@router.post("/auth/token", tags=["auth"])
async def log_in(session: Session, credentials: schemas.Credentials) -> schemas.AccessToken:
    """Get an access token."""
    user = await services.log_in(session, **credentials.model_dump())
    token, seconds = tokens.issue(user.id)
    return schemas.AccessToken(access_token=token, expires_in=seconds)


@router.get("/users/me", response_model=schemas.User, tags=["users"])
async def get_me(user: CurrentUser) -> User:
    """Return the caller."""
    return user


@router.patch("/users/me", response_model=schemas.User, tags=["users"])
async def update_me(session: Session, user: CurrentUser, changes: schemas.UserChanges) -> User:
    """Change the caller."""
    return await services.update_user(session, user=user, **changes.model_dump(exclude_unset=True))


@router.delete("/users/me", status_code=204, response_class=Response, tags=["users"])
async def delete_me(session: Session, user: CurrentUser) -> None:
    """Delete the caller."""
    await services.delete_user(session, user=user)
