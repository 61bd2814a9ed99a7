"""Models and migrations agree, and the way there leads back."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config import domains, identity, migrations
from tests import planted
from tests.framework import CHECK_MIGRATIONS, UNDO_MIGRATIONS
from tests.support import run

pytestmark = pytest.mark.integration

# What a schema consists of, in the words of PostgreSQL.
SCHEMA = (
    """
    SELECT table_name::text, column_name::text, data_type, is_nullable, column_default,
           character_maximum_length
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2
    """,
    """
    SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2
    """,
    "SELECT tablename::text, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
)


def command(root: Path, database: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `manage.py` of a service on this database, without Redis."""
    return run(
        *(sys.executable, str(root / "manage.py"), *arguments),
        environ={
            "ENVIRONMENT": "test",
            "DATABASE_URL": database,
            "REDIS_URL": "redis://127.0.0.1:1",
        },
    )


def succeed(database: str, *arguments: str) -> None:
    done = command(identity.ROOT, database, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def undo(root: Path, database: str) -> list[subprocess.CompletedProcess[str]]:
    """Undo every migration of ours."""
    return [command(root, database, *arguments) for arguments in UNDO_MIGRATIONS]


def pending(database: str) -> list[str]:
    with psycopg.connect(database) as connection:
        return migrations.pending(connection)


def schema(database: str) -> list[list[tuple[Any, ...]]]:
    """Return columns, constraints and indexes of our tables."""
    ours = ("access_", "accounts_", *(f"{name.removeprefix('apps.')}_" for name in domains.names()))
    with psycopg.connect(database) as connection:
        found = [connection.execute(query).fetchall() for query in SCHEMA]
    return [[row for row in rows if is_ours(row[0], ours)] for rows in found]


def is_ours(table: str, prefixes: tuple[str, ...]) -> bool:
    """Return whether a table is of a model, not one that says which migrations were applied."""
    return table.startswith(prefixes) and not table.endswith("_version")


def test_up_down_and_up_again(scratch_database: str) -> None:
    """An empty database reaches the head, the way back leaves nothing, and it can be gone again."""
    assert {"access" in name for name in pending(scratch_database)} == {True, False}
    succeed(scratch_database, "migrate")
    assert pending(scratch_database) == []
    there = schema(scratch_database)
    assert all(there)
    succeed(scratch_database, *CHECK_MIGRATIONS)
    for done in undo(identity.ROOT, scratch_database):
        assert done.returncode == 0, done.stdout + done.stderr
    assert {"access" in name for name in pending(scratch_database)} == {True, False}
    assert schema(scratch_database) == [[], [], []]
    succeed(scratch_database, "migrate")
    assert pending(scratch_database) == []
    assert schema(scratch_database) == there


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the service, to plant faults in."""
    ignored = shutil.ignore_patterns(".*", "__pycache__", "tests")
    return shutil.copytree(identity.ROOT, tmp_path / "service", ignore=ignored)


@pytest.mark.parametrize(("package", "length"), [("accounts", 150), ("access", 50)])
def test_planted_faults_are_found(
    scratch_database: str, project: Path, package: str, length: int
) -> None:
    """A change of a model without a migration, and a migration without a way back."""
    planted.migrations(project, planted.IRREVERSIBLE)
    models = project / "src" / package / "models.py"
    assert str(length) in models.read_text()
    models.write_text(models.read_text().replace(str(length), str(length + 1)))
    done = command(project, scratch_database, "migrate")
    assert done.returncode == 0, done.stdout + done.stderr
    assert command(project, scratch_database, *CHECK_MIGRATIONS).returncode != 0
    assert any(done.returncode for done in undo(project, scratch_database))
