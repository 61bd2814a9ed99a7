"""The pool of connections survives the loss of its server."""

import time
from typing import cast

import psycopg
import pytest
from django.db import connection, connections

from config.environment import load
from config.postgresql.base import DatabaseWrapper


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_after_a_fail_over_the_next_query_succeeds() -> None:
    """All connections are dead at once, and none of them is handed out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
    pool = cast("DatabaseWrapper", connections["default"]).pool
    assert pool
    pool.wait()
    connection.close()
    with psycopg.connect(load().database, autocommit=True) as administrator:
        killed = administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    assert len(killed) >= 2
    started = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    assert time.monotonic() - started < 4
