"""Alembic's two histories, and which migrations the database still lacks.

The team's is in migrations/versions; the template's own tables, `access_…`, have one of their own
that runs after it, so that neither is in the other's way.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql

from config import identity, postgres
from config.environment import Environment


class History(NamedTuple):
    """A folder of migrations, and the table that says which of them were applied."""

    versions: Path
    table: str


TEAM = History(identity.ROOT / "migrations/versions", "alembic_version")
TEMPLATE = History(identity.ROOT / "src/access/migrations/versions", "access_alembic_version")


def configuration(history: History = TEAM) -> Config:
    """Return Alembic's configuration; there is no alembic.ini."""
    config = Config(attributes={"version_table": history.table})
    config.set_main_option("script_location", str(identity.ROOT / "migrations"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(history.versions))
    config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(rev)s_%%(slug)s")
    return config


@lru_cache(maxsize=2)
def _scripts(history: History) -> ScriptDirectory:
    """Return the migrations of this code."""
    return ScriptDirectory.from_config(configuration(history))


def _passed(history: History, *places: str) -> set[str]:
    """Return all revisions on the way to these."""
    ways = [_scripts(history).iterate_revisions(place, "base") for place in places]
    return {script.revision for way in ways for script in way}


def _applied(history: History, connection: psycopg.Connection[Any]) -> set[str]:
    """Return the revisions that the database is at, none before the first migration."""
    known = connection.execute("SELECT to_regclass(%s)", [history.table]).fetchone()
    if not known or not known[0]:
        return set()
    query = sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(history.table))
    return {row[0] for row in connection.execute(query)}


def pending(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the migrations of this code that the database lacks."""
    found: list[str] = []
    for history in (TEAM, TEMPLATE):
        revisions, applied = _passed(history, "heads"), _applied(history, connection)
        # A revision that is not ours is a later release's: this code serves until it is replaced.
        if applied <= revisions:
            found += sorted(revisions - _passed(history, *applied))
    return found


def is_undone_by(revision: str, settings: Environment) -> bool:
    """Return whether going to `revision` means to undo migrations of the database."""
    if revision == "base":
        return True
    target = _scripts(TEAM).get_revision(revision)
    with psycopg.connect(**postgres.parameters(settings)) as connection:
        applied = _applied(TEAM, connection)
    return target.revision in _passed(TEAM, *applied) - applied
