"""Migrations with faults, which a test plants in a copy of the service."""

from pathlib import Path

from alembic.script import ScriptDirectory

from config.migrations import configuration

NOT_NULL = """\
def upgrade() -> None:
    op.add_column("accounts_user", sa.Column("note", sa.Text(), nullable=False))


def downgrade() -> None:
    op.drop_column("accounts_user", "note")
"""
DROP_COLUMN = """\
def upgrade() -> None:
    op.drop_column("accounts_user", "full_name")


def downgrade() -> None:
    op.add_column("accounts_user", sa.Column("full_name", sa.String(length=150)))
"""
IRREVERSIBLE = """\
def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError
"""


def migrations(project: Path, *functions: str) -> list[Path]:
    """Add these migrations after the last one; return their files."""
    files = []
    before = ScriptDirectory.from_config(configuration()).get_current_head()
    for number, body in enumerate(functions, 1):
        path = project / "migrations" / "versions" / f"planted_{number}.py"
        path.write_text(
            "import sqlalchemy as sa\nfrom alembic import op\n\n"
            f'revision = "planted_{number}"\ndown_revision = {before!r}\n\n\n{body}'
        )
        files.append(path)
        before = f"planted_{number}"
    return files
