"""Who asks: the user that a bearer token names."""

from typing import Any

from rest_framework.authentication import BaseAuthentication

from access import selectors
from accounts import tokens
from accounts.errors import InvalidTokenError
from accounts.models import User


class TokenAuthentication(BaseAuthentication):
    """Takes the access tokens of `accounts.tokens`."""

    def authenticate(self, request: Any) -> tuple[User, None] | None:
        """Return the user, who is looked up so that nobody comes in who may no longer."""
        if known := getattr(request, "_token_user", None):  # see `access.middleware`
            return known, None
        claims = tokens.read(request.headers.get("Authorization"))
        if claims is None:
            return None
        user = selectors.find_user(claims)
        if user is None:
            raise InvalidTokenError
        return user, None

    def authenticate_header(self, request: Any) -> str:
        """Return the scheme, without which REST framework would answer 403."""
        return "Bearer"
