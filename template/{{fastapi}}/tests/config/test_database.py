"""One session and one transaction a request: committed before the answer, or not at all."""

from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from accounts.models import User
from config.database import Session
from config.environment import load
from config.errors import ServiceError
from tests.support import Serve

pytestmark = pytest.mark.integration


class RefusedError(ServiceError):
    """An expected failure."""

    status = 409
    code = "refused"


def users() -> int:
    """Return how many users others see."""
    with psycopg.connect(load().database) as connection:
        row = connection.execute("SELECT count(*) FROM accounts_user").fetchone()
    return int(row[0]) if row else 0


async def add(session: Session) -> dict[str, str]:
    session.add(User(email="ada@example.org", password=""))
    await session.flush()
    return {}


async def refuse(session: Session) -> None:
    await add(session)
    raise RefusedError


async def crash(session: Session) -> None:
    await add(session)
    raise KeyError


async def wait(session: Session) -> None:
    await session.execute(text("SET LOCAL statement_timeout = 100"))
    await session.execute(text("SELECT pg_sleep(30)"))


def test_a_request_commits(database: None, serve: Serve) -> None:
    """What it wrote is there when its answer is."""
    assert serve({"/users": add}).get("/users").status_code == 200
    assert users() == 1


@pytest.mark.parametrize(("handler", "status"), [(refuse, 409), (crash, 500)])
def test_a_failure_leaves_nothing(
    database: None,
    serve: Serve,
    handler: Callable[..., object],
    status: int,
) -> None:
    """An expected failure rolls back as a crash does."""
    assert serve({"/users": handler}).get("/users").status_code == status
    assert users() == 0


def test_a_statement_that_takes_too_long(database: None, serve: Serve) -> None:
    """It is answered 503, and the connection can be used again."""
    client = serve({"/wait": wait, "/users": add})
    answer = client.get("/wait")
    assert answer.status_code == 503
    assert answer.json()["code"] == "unavailable"
    assert client.get("/users").status_code == 200


def test_statements_are_counted(database: None, serve: Serve) -> None:
    """The one line of a request tells what its database work was."""
    with capture_logs() as events:
        serve({"/users": add}).get("/users")
    line = next(event for event in events if event["event"] == "request_finished")
    assert line["db_queries"] == 1
    assert line["db_ms"] > 0
