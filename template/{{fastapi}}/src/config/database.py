"""The database: one engine a process, one session and one transaction a request."""

import time
import uuid
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, ClassVar

from fastapi import Depends, Request
from sqlalchemy import DateTime, MetaData, event, func, text
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, mapped_column

from config import postgres
from config.environment import load
from config.postgres import POOL_LIFETIME, POOL_WAIT
from observability import figures

# Columns that most tables have. The application makes ids, so that it knows them before the row.
Id = Annotated[
    uuid.UUID,
    mapped_column(primary_key=True, default=uuid.uuid4, server_default=text("gen_random_uuid()")),
]
CreatedAt = Annotated[datetime, mapped_column(server_default=func.now())]
UpdatedAt = Annotated[datetime, mapped_column(server_default=func.now(), onupdate=func.now())]
CONVENTION = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


class Model(DeclarativeBase):
    """Base of all tables; constraints are named by convention, so migrations can name them."""

    # What the database filled in comes back with the statement: nothing is read again later.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - SQLAlchemy declares it so
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True)}
    metadata = MetaData(naming_convention=CONVENTION)


@lru_cache(maxsize=1)
def engine() -> AsyncEngine:
    """Return this process's engine; it connects at the first use, after the server's fork."""
    settings = load()
    parameters = postgres.parameters(settings)
    if settings.database_pgbouncer:
        # PgBouncer hands sessions around: nothing may be prepared in one.
        parameters["prepare_threshold"] = None
    created = create_async_engine(
        "postgresql+psycopg://",
        connect_args=parameters,
        pool_size=settings.database_pool_max,
        max_overflow=0,
        pool_timeout=POOL_WAIT,
        pool_recycle=POOL_LIFETIME,
        pool_pre_ping=True,
        hide_parameters=True,  # values of a failed statement stay out of the log
    )
    event.listen(created.sync_engine, "before_cursor_execute", _started)
    event.listen(created.sync_engine, "after_cursor_execute", _finished)
    return created


def _started(connection: Any, *_: object) -> None:
    connection.info["started"] = time.perf_counter()


def _finished(connection: Any, *_: object) -> None:
    figures.query(time.perf_counter() - connection.info["started"])


@lru_cache(maxsize=1)
def sessions() -> async_sessionmaker[AsyncSession]:
    """Return the factory of sessions."""
    return async_sessionmaker(engine(), expire_on_commit=False)


async def session(request: Request) -> AsyncSession:
    """Return the request's session, which `config.middleware.UnitOfWorkMiddleware` ends."""
    found: AsyncSession = request.scope["unit_of_work"]
    return found


Session = Annotated[AsyncSession, Depends(session)]
