"""Who asks: `CurrentUser` for the endpoints that need somebody."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from access import selectors
from accounts import tokens
from accounts.errors import InvalidTokenError
from accounts.models import User
from config.errors import NotAuthenticatedError
from observability import metrics


async def authenticate(session: AsyncSession, authorization: str | None) -> User:
    """Return the user whose access token is in an `Authorization` header.

    Raises:
        NotAuthenticatedError: there is no token.
        InvalidTokenError: it is not valid, or no longer.
    """
    try:
        claims = tokens.read(authorization)
        if claims is None:
            raise NotAuthenticatedError
        user = await selectors.find_user(session, claims)
        if user is None:
            raise InvalidTokenError
    except InvalidTokenError:
        metrics.auth_failures.labels("access_token").inc()
        raise
    return user


async def current_user(request: Request) -> User:
    """Return who asks, whom `access.middleware` found before."""
    user: User = request.state.user
    return user


CurrentUser = Annotated[User, Depends(current_user)]
