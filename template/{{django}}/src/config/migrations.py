"""Which migrations the database still lacks."""

from functools import lru_cache
from typing import Any

import psycopg
from django.db.migrations.loader import MigrationLoader


@lru_cache(maxsize=1)
def _known() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.nodes)


def pending(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the names of migrations that this code brings and the database has not applied."""
    known = connection.execute("SELECT to_regclass('django_migrations')").fetchone()
    applied: set[tuple[str, str]] = set()
    if known and known[0]:
        applied = set(connection.execute("SELECT app, name FROM django_migrations").fetchall())
    return sorted(f"{app}.{name}" for app, name in _known() if (app, name) not in applied)
