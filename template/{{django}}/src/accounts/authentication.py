"""Who asks: the user that a bearer token names."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts import tokens
from accounts.errors import InvalidTokenError
from accounts.models import User


class TokenAuthentication(BaseAuthentication):
    """Takes the tokens of `accounts.tokens`."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """Return the user, who is looked up so that nobody comes in who may no longer."""
        user_id = tokens.user_of(request.headers.get("Authorization"))
        if user_id is None:
            return None
        user = User.objects.filter(pk=user_id, is_active=True).first()
        if user is None:
            raise InvalidTokenError
        return user, None

    def authenticate_header(self, request: Request) -> str:
        """Return the scheme, without which REST framework would answer 403."""
        return "Bearer"
