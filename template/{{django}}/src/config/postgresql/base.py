"""The database backend: Django's own, whose pool forgets all connections when one is dead."""

from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection, with a pool that recovers from a lost server at once."""

    @property
    def pool(self) -> ConnectionPool[Connection[Any]] | None:
        """Return this process's pool.

        Psycopg's own check takes dead connections one by one and sleeps ever longer between
        them, so that after a fail-over requests would time out while fresh ones could be had.
        """
        pool: ConnectionPool[Connection[Any]] | None = super().pool
        if pool is not None:
            pool._check = _check_or_drain  # Django lets nobody else choose it
        return pool


def _check_or_drain(connection: Connection[Any]) -> None:
    try:
        ConnectionPool.check_connection(connection)
    except Exception:
        pool = connection._pool  # the pool's own mark
        if isinstance(pool, ConnectionPool):
            pool.drain()
        raise
