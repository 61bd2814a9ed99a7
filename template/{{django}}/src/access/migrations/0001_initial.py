"""Logins and roles."""

import uuid
from typing import Any

import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import config.models

# allow adding-foreign-key-constraint: the tables were just made, they are empty
# allow constraint-missing-not-valid: the same


def _columns() -> list[tuple[str, Any]]:
    user = models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.CASCADE,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )
    created_at = models.DateTimeField(
        db_default=django.db.models.functions.datetime.Now(), editable=False
    )
    key = models.UUIDField(
        db_default=django.contrib.postgres.functions.RandomUUID(),
        default=uuid.uuid4,
        editable=False,
        primary_key=True,
        serialize=False,
    )
    return [("id", key), ("user", user), ("created_at", created_at)]


def _goes_with_its_user(table: str) -> migrations.RunSQL:
    name = f"{table}_user_id_fkey"
    key = "FOREIGN KEY (user_id) REFERENCES accounts_user (id) ON DELETE CASCADE"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} {key}",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    initial = True

    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="TokenFamily",
            fields=[
                *_columns(),
                ("current", models.UUIDField()),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "access_token_family",
                "indexes": [
                    config.models.Index(fields=["user"], name="access_token_family_user_id_idx"),
                    config.models.Index(fields=["expires_at"], name="access_token_family_expires_at_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RoleGrant",
            fields=[*_columns(), ("role", models.CharField(max_length=50))],
            options={
                "db_table": "access_role_grant",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "role"), name="access_role_grant_user_id_role_key"
                    ),
                ],
            },
        ),
        _goes_with_its_user("access_token_family"),
        _goes_with_its_user("access_role_grant"),
    ]
