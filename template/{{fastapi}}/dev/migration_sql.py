"""The SQL of every migration, as Alembic writes it where there is no database."""

import os
from collections.abc import Iterator
from io import StringIO
from itertools import chain
from pathlib import Path

os.environ.setdefault("ENVIRONMENT", "build")

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from config import migrations


def statements() -> Iterator[tuple[Path, str]]:
    """Yield file and SQL of each."""
    ours = map(migrations.configuration, (migrations.TEAM, migrations.TEMPLATE))
    for script in chain(*(ScriptDirectory.from_config(each).walk_revisions() for each in ours)):
        written = StringIO()
        options = {"as_sql": True, "output_buffer": written}
        context = MigrationContext.configure(dialect_name="postgresql", opts=options)
        with Operations.context(context), context.begin_transaction():
            script.module.upgrade()
        yield Path(script.path), written.getvalue()
