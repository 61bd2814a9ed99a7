"""The table of the fixture domain."""

import sqlalchemy as sa
from alembic import op

revision = "0002_fixture"
down_revision = "0001_initial"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "fixture_row",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("fixture_row_pkey")),
    )


def downgrade() -> None:
    """Undo."""
    op.drop_table("fixture_row")
