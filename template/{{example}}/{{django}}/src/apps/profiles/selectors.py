"""What reads profiles."""

from accounts.models import User
from apps.profiles.models import Profile


def get_profile(*, user: User) -> Profile:
    """Return the user's profile, an empty one until there is one."""
    empty = Profile(user=user, updated_at=None)  # type: ignore[misc] # it was never stored
    return Profile.objects.filter(pk=user.pk).first() or empty
