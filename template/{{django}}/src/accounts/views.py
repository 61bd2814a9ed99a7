"""HTTP of accounts."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import serializers, services
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
        token, lifetime = services.issue_token(**self.body())
        return Response({"access_token": token, "token_type": "Bearer", "expires_in": lifetime})


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
