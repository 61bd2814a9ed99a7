"""The first steps of every process: settings, log, and a clear refusal where they fail."""

import json
import os
import sys
from datetime import UTC, datetime
from typing import NoReturn
from urllib.parse import urlsplit

import structlog
from psycopg.conninfo import conninfo_to_dict

from config import identity
from config.domains import names
from config.environment import ConfigurationError, Environment, load
from observability import logging

EXIT_CONFIGURATION = 78


def begin(role: str) -> Environment:
    """Return the checked settings with logging on; exit with 78 if they are refused."""
    os.environ.setdefault("SERVICE_ROLE", role)
    try:
        settings = load()
    except ConfigurationError as error:
        refuse(error)
    logging.configure(settings)
    return settings


def refuse(error: ConfigurationError) -> NoReturn:
    """Name every problem of the configuration and exit with 78."""
    end(EXIT_CONFIGURATION, "the configuration is refused", error.problems)


def end(code: int, event: str, problems: list[str]) -> NoReturn:
    """Say why on stderr, as lines for a person or as one JSON line, and exit with `code`."""
    if sys.stderr.isatty() or os.environ.get("ENVIRONMENT") == "development":
        lines = [f"{identity.NAME}: {event}:", *(f"  {problem}" for problem in problems)]
    else:
        who = {"service": identity.NAME, "version": identity.VERSION, "pid": os.getpid()}
        environment, role = os.environ.get("ENVIRONMENT", ""), os.environ.get("SERVICE_ROLE", "")
        where = {"environment": environment, "role": role}
        said = {"level": "critical", "logger": "lifecycle", "event": event, "problems": problems}
        lines = [json.dumps({**said, **who, **where, "timestamp": datetime.now(UTC).isoformat()})]
    sys.stderr.write("\n".join(lines) + "\n")
    sys.exit(code)


def announce(settings: Environment, **more: object) -> None:
    """Write the banner: what runs here, against what; no credential is in it."""
    database = conninfo_to_dict(settings.database)
    structlog.stdlib.get_logger("lifecycle").info(
        "starting",
        debug=settings.debug,
        template_version=identity.TEMPLATE_VERSION,
        allowed_hosts=settings.allowed_hosts,
        cors_allowed_origins=settings.cors_allowed_origins,
        database=f"{database.get('host')}/{database.get('dbname')}",
        redis=urlsplit(settings.redis).hostname,
        domains=names(),
        **more,
    )
