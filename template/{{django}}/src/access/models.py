"""The template's own tables. Their migrations are the template's too: add none of yours here."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now

from config.models import Index


class _OfUser(models.Model):
    """A row that goes with its user; migrations write the foreign key, with its rule."""

    id = models.UUIDField(
        primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        """No table of its own."""

        abstract = True


class TokenFamily(_OfUser):
    """A login: its tokens are good while it is there and not revoked."""

    current = models.UUIDField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        """Found by its user, and when it is time to forget it."""

        db_table = "access_token_family"
        indexes: ClassVar = [Index(fields=["user"]), Index(fields=["expires_at"])]

    def __str__(self) -> str:
        """Return the id."""
        return str(self.pk)


class RoleGrant(_OfUser):
    """A role that a user has."""

    role = models.CharField(max_length=50)

    class Meta:
        """Nobody has a role twice."""

        db_table = "access_role_grant"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "role"], name="access_role_grant_user_id_role_key"
            ),
        ]

    def __str__(self) -> str:
        """Return the role."""
        return self.role
