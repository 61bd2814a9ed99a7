"""Models and migrations agree, and the way there leads back."""

import psycopg
import pytest

from config import migrations
from tests.framework import CHECK_MIGRATIONS, UNDO_MIGRATIONS
from tests.support import ENTRYPOINT, MANAGE, run


def succeed(database: str, *command: str) -> None:
    """Run a command on this database, without Redis; it must succeed."""
    servers = {"DATABASE_URL": database, "REDIS_URL": "redis://127.0.0.1:1"}
    done = run(*command, environ=servers | {"ENVIRONMENT": "test"})
    assert done.returncode == 0, done.stdout + done.stderr


def pending(database: str) -> list[str]:
    with psycopg.connect(database) as connection:
        return migrations.pending(connection)


def has_table(database: str) -> bool:
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT to_regclass('accounts_user')").fetchone()
        return bool(found and found[0])


@pytest.mark.integration
def test_up_down_and_up_again(scratch_database: str) -> None:
    """An empty database reaches the head, the way back undoes it, and nothing is left to write."""
    assert pending(scratch_database)
    succeed(scratch_database, *ENTRYPOINT, "migrate")
    assert pending(scratch_database) == []
    assert has_table(scratch_database)
    succeed(scratch_database, *MANAGE, *CHECK_MIGRATIONS)
    succeed(scratch_database, *MANAGE, *UNDO_MIGRATIONS)
    assert pending(scratch_database)
    assert not has_table(scratch_database)
    succeed(scratch_database, *MANAGE, "migrate")
    assert pending(scratch_database) == []
