"""The commands about accounts: the first superuser, and logins that are over."""

import re
import subprocess

import psycopg
import pytest

from tests.support import MANAGE, PASSWORD, events, run

pytestmark = pytest.mark.integration

WHO = {"SUPERUSER_EMAIL": "Root@example.org", "SUPERUSER_PASSWORD": PASSWORD}
FAMILY = (
    "INSERT INTO access_token_family (id, user_id, current, created_at, expires_at)"
    " SELECT gen_random_uuid(), id, gen_random_uuid(), now(), now() + %s::interval"
    " FROM accounts_user"
)


def command(database: str, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command of manage.py."""
    settings = {"ENVIRONMENT": "test", "LOG_FORMAT": "json"}
    servers = {"DATABASE_URL": database, "REDIS_URL": "redis://127.0.0.1:1"}
    return run(*MANAGE, name, environ=settings | servers | variables)


def told(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the events in the log of a command that succeeded."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("{")]
    return [event["event"] for event in events("\n".join(lines))]


@pytest.fixture
def migrated(scratch_database: str) -> str:
    """Return the address of a migrated database that nobody is in."""
    assert command(scratch_database, "migrate").returncode == 0
    return scratch_database


@pytest.mark.security
def test_the_first_superuser_is_made_once(migrated: str) -> None:
    """Who is there stays as they are; without a password, or with a weak one, nobody is made."""
    for wrong in ({}, WHO | {"SUPERUSER_PASSWORD": "12345678"}):
        done = command(migrated, "createfirstsuperuser", **wrong)
        assert done.returncode == 1
        assert "SUPERUSER_PASSWORD" in done.stderr
        assert "12345678" not in done.stdout + done.stderr
    assert "superuser_created" in told(command(migrated, "createfirstsuperuser", **WHO))
    users = "SELECT * FROM accounts_user"
    with psycopg.connect(migrated) as connection:
        made = connection.execute(users).fetchall()
        shown = "SELECT email, is_active, is_staff, is_superuser FROM accounts_user"
        assert connection.execute(shown).fetchall() == [("root@example.org", True, True, True)]
    other = WHO | {"SUPERUSER_PASSWORD": f"another {PASSWORD}"}
    assert "superuser_created" not in told(command(migrated, "createfirstsuperuser", **other))
    with psycopg.connect(migrated) as connection:
        assert connection.execute(users).fetchall() == made


def test_logins_that_are_over_are_forgotten(migrated: str) -> None:
    """The others stay, and the command says how many went."""
    told(command(migrated, "createfirstsuperuser", **WHO))
    with psycopg.connect(migrated) as connection:
        for lifetime in ("-1 day", "-1 second", "1 minute"):
            connection.execute(FAMILY, [lifetime])
    done = command(migrated, "purgetokens")
    assert "tokens_purged" in told(done)
    assert re.search(r'"logins": ?2\b', done.stdout + done.stderr)
    with psycopg.connect(migrated) as connection:
        left = connection.execute("SELECT expires_at > now() FROM access_token_family")
        assert left.fetchall() == [(True,)]
