"""What changes profiles."""

from accounts.models import User
from apps.profiles.models import Profile


def replace_profile(*, user: User, bio: str, website: str) -> Profile:
    """Write and return the user's profile."""
    values = {"bio": bio, "website": website}
    return Profile.objects.update_or_create(user=user, defaults=values)[0]
