"""How this service reaches PostgreSQL: address, time limits, and what it refuses."""

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from config import identity
from config.environment import ConfigurationError, Environment

CONNECT_TIMEOUT = 5  # seconds
POOL_WAIT = 5  # seconds a request waits for a connection
POOL_LIFETIME = 600  # seconds
LOCK_TIMEOUT = 5  # seconds
IDLE_IN_TRANSACTION_TIMEOUT = 60  # seconds
OLDEST_VERSION = 15
SHOWN = ("server_encoding", "cluster_name", "max_connections", "superuser_reserved_connections")
EMBEDDED = "embedded-development"  # the `cluster_name` that dev/servers.py gives its cluster


def parameters(settings: Environment) -> dict[str, Any]:
    """Return libpq's parameters: the address, and the limits every session starts with.

    PgBouncer takes no start-up options; there the role carries the limits
    (`ALTER ROLE … SET statement_timeout`), see docs/configuration.md.
    """
    given = dict(conninfo_to_dict(settings.database))
    limits = {
        "statement_timeout": settings.database_statement_timeout,
        "lock_timeout": LOCK_TIMEOUT,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT,
    }
    options = " ".join(f"-c {name}={int(seconds * 1000)}" for name, seconds in limits.items())
    if not settings.database_pgbouncer:
        given["options"] = f"{options} {given.get('options', '')}".strip()
    return {
        "connect_timeout": CONNECT_TIMEOUT,
        "application_name": identity.NAME,
        "keepalives_idle": 30,
        "tcp_user_timeout": 30_000,
        **given,
    }


def verify(settings: Environment) -> int:
    """Refuse a server that this service must not run on; return the connections it allows.

    Raises:
        psycopg.OperationalError: the server does not answer.
        ConfigurationError: it is too old, not UTF-8, or the embedded one in production.
    """
    # Asked for in UTF-8, so that the answers are text whatever the database's encoding.
    with psycopg.connect(**{**parameters(settings), "client_encoding": "utf8"}) as connection:
        version = connection.info.server_version // 10_000
        shown = [connection.execute(f"SHOW {name}").fetchone() for name in SHOWN]
    encoding, cluster, most, reserved = (str(row[0]) if row else "" for row in shown)
    embedded = settings.environment == "production" and cluster.startswith(EMBEDDED)
    refusals = {
        f"PostgreSQL {version} is too old, {OLDEST_VERSION} is needed": version < OLDEST_VERSION,
        f"the database is encoded in {encoding}, UTF8 is needed": encoding != "UTF8",
        "is the embedded development server, refused in production": embedded,
    }
    if problems := [f"DATABASE_URL: {text}" for text, holds in refusals.items() if holds]:
        raise ConfigurationError(problems)
    return int(most) - int(reserved)
