"""Which migrations the database still lacks."""

from typing import Any

import psycopg
from django.db.migrations.loader import MigrationLoader


def pending(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the names of migrations that this code brings and the database has not applied."""
    loader = MigrationLoader(None)
    known = connection.execute("SELECT to_regclass('django_migrations')").fetchone()
    applied: set[tuple[str, str]] = set()
    if known and known[0]:
        applied = set(connection.execute("SELECT app, name FROM django_migrations").fetchall())
    return sorted(f"{app}.{name}" for app, name in loader.graph.nodes if (app, name) not in applied)
