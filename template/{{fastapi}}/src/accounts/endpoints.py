"""HTTP about accounts."""

from uuid import UUID

from fastapi import APIRouter, Response

from access import services as access
from access.permissions import IsAdmin, role_with
from access.roles import READ_USERS
from accounts import schemas, selectors, services
from accounts.authentication import CurrentUser
from accounts.models import User
from accounts.tokens import Tokens
from config.database import Session

router = APIRouter(prefix="/api/v1")


@router.post("/auth/register", status_code=201, response_model=schemas.User, tags=["auth"])
async def register(session: Session, response: Response, new: schemas.NewUser) -> User:
    """Make an account."""
    response.headers["Location"] = "/api/v1/users/me"
    return await services.register_user(session, **new.model_dump())


@router.post("/auth/token", tags=["auth"])
async def log_in(session: Session, credentials: schemas.Credentials) -> schemas.Tokens:
    """Exchange an e-mail address and a password for tokens."""
    return told(await services.log_in(session, **credentials.model_dump()))


@router.post("/auth/token/refresh", tags=["auth"])
async def refresh(session: Session, given: schemas.RefreshToken) -> schemas.Tokens:
    """Exchange a refresh token for new tokens; it is good for one use."""
    return told(await access.refresh_family(session, **given.model_dump()))


@router.post("/auth/token/revoke", status_code=204, response_class=Response, tags=["auth"])
async def revoke(session: Session, given: schemas.RefreshToken) -> None:
    """End a login: its refresh and access tokens are good no longer."""
    await access.revoke_family(session, **given.model_dump())


@router.post("/auth/password", status_code=204, response_class=Response, tags=["auth"])
async def change_password(
    session: Session, user: CurrentUser, given: schemas.PasswordChange
) -> None:
    """Change one's own password, and end all logins."""
    await services.change_password(session, user=user, **given.model_dump())


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


@router.get("/users/{user_id:uuid}", dependencies=[role_with(READ_USERS)], tags=["users"])
async def get_user(session: Session, user_id: UUID) -> schemas.Account:
    """Read somebody's account."""
    return await selectors.get_account(session, user_id=user_id)


@router.patch("/users/{user_id:uuid}", dependencies=[IsAdmin], tags=["users"])
async def update_user(
    session: Session, actor: CurrentUser, user_id: UUID, changes: schemas.AccountChanges
) -> schemas.Account:
    """Let a user in or out; out ends all logins. Admins only."""
    given = changes.model_dump(exclude_unset=True)
    await services.set_active(session, actor=actor, user_id=user_id, **given)
    return await selectors.get_account(session, user_id=user_id)


@router.put("/users/{user_id:uuid}/roles", dependencies=[IsAdmin], tags=["users"])
async def replace_roles(
    session: Session, actor: CurrentUser, user_id: UUID, new: schemas.Roles
) -> schemas.Account:
    """Give a user these roles and no others. Admins only."""
    await services.replace_roles(session, actor=actor, user_id=user_id, **new.model_dump())
    return await selectors.get_account(session, user_id=user_id)


def told(tokens: Tokens) -> schemas.Tokens:
    """Return the answer that hands out tokens."""
    return schemas.Tokens(**tokens._asdict())
