"""How Alembic runs here: the service's settings and models, one transaction a migration."""

from importlib import import_module

from alembic import context
from sqlalchemy import create_engine, pool

from config import domains, postgres
from config.database import Model
from config.environment import load

import_module("accounts.models")
list(domains.modules("models"))

engine = create_engine(
    "postgresql+psycopg://", connect_args=postgres.parameters(load()), poolclass=pool.NullPool
)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Model.metadata,
        transaction_per_migration=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()
