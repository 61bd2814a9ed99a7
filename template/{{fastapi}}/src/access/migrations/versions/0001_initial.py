"""Logins and roles."""

import sqlalchemy as sa
from alembic import op

revision = "access_0001_initial"  # the team's history has one of the plain name
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    for table, columns in (
        (
            "access_token_family",
            [
                sa.Column("current", sa.Uuid(), nullable=False),
                sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
                sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
            ],
        ),
        (
            "access_role_grant",
            [
                sa.Column("role", sa.String(length=50), nullable=False),
                sa.UniqueConstraint(
                    "user_id", "role", name=op.f("access_role_grant_user_id_role_key")
                ),
            ],
        ),
    ):
        op.create_table(
            table,
            sa.Column(
                "id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False
            ),
            sa.Column("user_id", sa.Uuid(), nullable=False),
            sa.Column(
                "created_at",
                sa.DateTime(timezone=True),
                server_default=sa.text("now()"),
                nullable=False,
            ),
            *columns,
            sa.ForeignKeyConstraint(
                ["user_id"],
                ["accounts_user.id"],
                name=op.f(f"{table}_user_id_fkey"),
                ondelete="CASCADE",
            ),
            sa.PrimaryKeyConstraint("id", name=op.f(f"{table}_pkey")),
        )
    for column in ("user_id", "expires_at"):
        op.create_index(
            op.f(f"access_token_family_{column}_idx"), "access_token_family", [column]
        )


def downgrade() -> None:
    """Undo."""
    op.drop_table("access_role_grant")
    op.drop_table("access_token_family")
