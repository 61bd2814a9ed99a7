"""Alembic, and which migrations the database still lacks."""

from functools import lru_cache
from typing import Any

import psycopg
from alembic.config import Config
from alembic.script import ScriptDirectory

from config import identity, postgres
from config.environment import Environment


def configuration() -> Config:
    """Return Alembic's configuration; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(identity.ROOT / "migrations"))
    config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(rev)s_%%(slug)s")
    return config


@lru_cache(maxsize=1)
def _scripts() -> ScriptDirectory:
    """Return the migrations of this code."""
    return ScriptDirectory.from_config(configuration())


def _passed(*places: str) -> set[str]:
    """Return all revisions on the way to these."""
    ways = [_scripts().iterate_revisions(place, "base") for place in places]
    return {script.revision for way in ways for script in way}


def _applied(connection: psycopg.Connection[Any]) -> set[str]:
    """Return the revisions that the database is at, none before the first migration."""
    known = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    if not known or not known[0]:
        return set()
    return {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}


def pending(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the migrations of this code that the database lacks."""
    revisions, applied = _passed("heads"), _applied(connection)
    # A revision that is not ours is a later release's: this code serves until it is replaced.
    return [] if applied - revisions else sorted(revisions - _passed(*applied))


def is_undone_by(revision: str, settings: Environment) -> bool:
    """Return whether going to `revision` means to undo migrations of the database."""
    if revision == "base":
        return True
    target = _scripts().get_revision(revision)
    with psycopg.connect(**postgres.parameters(settings)) as connection:
        applied = _applied(connection)
    return target.revision in _passed(*applied) - applied
