"""HTTP of profiles."""

from rest_framework.request import Request
from rest_framework.response import Response

from apps.profiles import selectors, services
from apps.profiles.serializers import ProfileSerializer
from config.views import View


class MyProfile(View):
    """One's own profile."""

    serializer_class = ProfileSerializer

    def get(self, request: Request) -> Response:
        """Return one's own profile."""
        return self.answer(selectors.get_profile(user=self.user))

    def put(self, request: Request) -> Response:
        """Replace one's own profile."""
        return self.answer(services.replace_profile(user=self.user, **self.body()))
