"""How Alembic runs here: the service's settings and models, one transaction a migration."""

from importlib import import_module

from alembic import context
from sqlalchemy import create_engine, pool

from access import models
from config import domains, postgres
from config.database import Model
from config.environment import load
from config.migrations import TEMPLATE

import_module("accounts.models")
list(domains.modules("models"))

version_table = context.config.attributes["version_table"]


def is_of_this_history(_: object, name: str | None, kind: str, *__: object) -> bool:
    """Return whether a table is the template's own, or none is meant to be."""
    tables = {models.TokenFamily.__tablename__, models.RoleGrant.__tablename__, TEMPLATE.table}
    is_ours = name in tables
    return kind != "table" or is_ours == (version_table == TEMPLATE.table)


engine = create_engine(
    "postgresql+psycopg://", connect_args=postgres.parameters(load()), poolclass=pool.NullPool
)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Model.metadata,
        transaction_per_migration=True,
        compare_server_default=True,
        include_object=is_of_this_history,
        version_table=version_table,
    )
    with context.begin_transaction():
        context.run_migrations()
