"""Alembic, and which migrations the database still lacks."""

from functools import lru_cache
from typing import Any

import psycopg
from alembic.config import Config
from alembic.script import ScriptDirectory

from config import identity


def configuration() -> Config:
    """Return Alembic's configuration; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(identity.ROOT / "migrations"))
    config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(slug)s")
    return config


@lru_cache(maxsize=1)
def _heads() -> frozenset[str]:
    return frozenset(ScriptDirectory.from_config(configuration()).get_heads())


def pending(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the heads of this code that the database has not reached."""
    known = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    applied: set[str] = set()
    if known and known[0]:
        rows = connection.execute("SELECT version_num FROM alembic_version")
        applied = {row[0] for row in rows}
    return sorted(_heads() - applied)
