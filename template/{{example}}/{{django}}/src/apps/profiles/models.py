"""Profiles. One goes with its user, by the database's rule too: migration 0002 writes it down."""

from django.db import models
from django.db.models.functions import Now

from accounts.models import User
from config.models import UpdatedAtField


class Profile(models.Model):
    """What a user tells; there is none until something was told."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="profile")
    bio = models.TextField(blank=True, default="", db_default="")
    website = models.CharField(max_length=200, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = UpdatedAtField(db_default=Now(), editable=False)

    class Meta:
        """The table's name."""

        db_table = "profiles_profile"

    def __str__(self) -> str:
        """Return the user's id."""
        return str(self.pk)
