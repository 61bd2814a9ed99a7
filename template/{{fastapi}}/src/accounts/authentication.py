"""Who asks: `CurrentUser` for the endpoints that need somebody."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from accounts import selectors, tokens
from accounts.errors import InvalidTokenError
from accounts.models import User
from config.database import Session
from config.errors import NotAuthenticatedError

# For the document only: `accounts.tokens` reads the header.
_bearer = HTTPBearer(scheme_name="bearer", auto_error=False)


async def current_user(
    request: Request, session: Session, _: Annotated[object, Depends(_bearer)]
) -> User:
    """Return the user whose token it is.

    Raises:
        NotAuthenticatedError: there is no token.
        InvalidTokenError: it is not valid, or the user's no longer.
    """
    user_id = tokens.user_of(request.headers.get("Authorization"))
    if user_id is None:
        raise NotAuthenticatedError
    user = await selectors.find_user(session, user_id=user_id)
    if user is None:
        raise InvalidTokenError
    return user


CurrentUser = Annotated[User, Depends(current_user)]
