"""HTTP of accounts."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from access import services as access
from access.permissions import IsAdmin, role_with
from access.roles import READ_USERS
from access.selectors import get_account
from accounts import serializers, services
from accounts.tokens import Tokens
from config.views import Public, View


class Registration(Public):
    """New users."""

    serializer_class = serializers.RegistrationSerializer

    def post(self, request: Request) -> Response:
        """Register a user."""
        user = services.register_user(**self.body())
        return self.answer(user, 201, location="/api/v1/users/me")


class Token(Public):
    """Logins."""

    serializer_class = serializers.CredentialsSerializer

    @extend_schema(responses={200: serializers.TokenSerializer})
    def post(self, request: Request) -> Response:
        """Exchange an e-mail address and a password for an access token."""
        return told(services.log_in(**self.body()))


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Refresh(Public):
    """New tokens for old."""

    serializer_class = serializers.RefreshSerializer

    @extend_schema(responses={200: serializers.TokenSerializer})
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for new tokens; it is good for one use."""
        return told(access.refresh_family(**self.body()))


class Revocation(Public):
    """The end of logins."""

    serializer_class = serializers.RefreshSerializer

    @extend_schema(responses={204: None})
    def post(self, request: Request) -> Response:
        """End a login: its refresh and access tokens are good no longer."""
        access.revoke_family(**self.body())
        return Response(status=204)


class Password(View):
    """One's own password."""

    serializer_class = serializers.PasswordSerializer

    @extend_schema(responses={204: None})
    def post(self, request: Request) -> Response:
        """Change one's own password, and end all logins."""
        services.change_password(user=self.user, **self.body())
        return Response(status=204)


class Me(View):
    """One's own account."""

    serializer_class = serializers.UserSerializer

    def get(self, request: Request) -> Response:
        """Return one's own account."""
        return self.answer(self.user)

    def patch(self, request: Request) -> Response:
        """Change one's own account."""
        return self.answer(services.update_user(user=self.user, **self.body(partial=True)))

    def delete(self, request: Request) -> Response:
        """Delete one's own account."""
        services.delete_user(user=self.user)
        return Response(status=204)


class Account(View):
    """Somebody's account."""

    serializer_class = serializers.AccountSerializer

    def get_permissions(self) -> list[Any]:
        """Let roles read; the rest is for admins."""
        reads = self.request.method in SAFE_METHODS
        return [role_with(READ_USERS)() if reads else IsAdmin()]

    def get(self, request: Request, user_id: UUID) -> Response:
        """Read somebody's account."""
        return self.answer(get_account(user_id=user_id))

    def patch(self, request: Request, user_id: UUID) -> Response:
        """Let a user in or out; out ends all logins. Admins only."""
        changes = self.body(partial=True)
        user = get_account(user_id=user_id)
        return self.answer(services.set_active(actor=self.user, user=user, **changes))


class Roles(View):
    """Somebody's roles."""

    serializer_class = serializers.RolesSerializer
    permission_classes = (IsAdmin,)

    @extend_schema(responses={200: serializers.AccountSerializer})
    def put(self, request: Request, user_id: UUID) -> Response:
        """Give a user these roles and no others. Admins only."""
        new = self.body()
        services.replace_roles(actor=self.user, user=get_account(user_id=user_id), **new)
        return Response(serializers.AccountSerializer(get_account(user_id=user_id)).data)


def told(tokens: Tokens) -> Response:
    """Return the answer that hands out tokens."""
    return Response(serializers.TokenSerializer({"token_type": "Bearer", **tokens._asdict()}).data)
