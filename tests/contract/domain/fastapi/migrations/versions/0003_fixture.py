"""The table of the fixture domain."""

import sqlalchemy as sa
from alembic import op

revision = "0003_fixture"
down_revision = "0002_articles"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "fixture_row",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.String(length=100), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("fixture_row_pkey")),
        sa.UniqueConstraint(
            "slot", name=op.f("fixture_row_slot_key"), deferrable=True, initially="DEFERRED"
        ),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("fixture_row")
