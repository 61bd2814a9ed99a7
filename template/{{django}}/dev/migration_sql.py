"""The SQL of every migration of ours, as `manage.py sqlmigrate` prints it."""

import os
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from config import django_setup, identity
from config.environment import load
from dev import servers


def statements() -> Iterator[tuple[Path, str]]:
    """Yield file and SQL of each; the database need not be migrated, but it must be there."""
    os.environ.setdefault("ENVIRONMENT", "development")
    os.environ.update(servers.start())
    django_setup.select(load())

    import django
    from django.core.management import call_command
    from django.db.migrations.loader import MigrationLoader

    django.setup()
    for (app, name), migration in sorted(MigrationLoader(None).disk_migrations.items()):
        path = Path(str(sys.modules[type(migration).__module__].__file__))
        if path.is_relative_to(identity.ROOT / "src"):
            yield path, call_command("sqlmigrate", app, name, no_color=True, stdout=StringIO())
