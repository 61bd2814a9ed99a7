"""What every test stands on: its own profile, database and keys, and no network.

The servers are those of TEST_DATABASE_URL and TEST_REDIS_URL, or of DATABASE_URL and REDIS_URL,
else the embedded ones. All is settled here, before anything of the service reads a setting.
"""

import os
import re
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import structlog
from hypothesis import settings
from psycopg import sql
from pytest_socket import disable_socket
from redis import Redis
from structlog.contextvars import clear_contextvars

from accounts import tokens
from config import environment, identity, redis
from config.environment import ConfigurationError, Environment
from dev import servers
from tests.journey import Remote
from tests.support import Client, Execute, Login, Person

# Nothing listens there: a test that asks for no server reaches none by accident.
NOWHERE = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/test",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
THROTTLED = ("ANONYMOUS", "USER", "BURST", "STRICT")
Administrator = psycopg.Connection[tuple[object, ...]]
TURN = pytest.StashKey[Administrator]()
BASE_URL = os.environ.get("BASE_URL", "")  # see tests/journey.py

# Machines are busy. What failed once is in .hypothesis and is tried first from then on.
settings.register_profile("service", settings.get_profile("default"), deadline=None)
if settings.get_current_profile_name() == "default":
    settings.load_profile("service")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Settle profile and servers, once for all processes of a run; then load the framework."""
    config.option.allow_unix_socket = True  # no way to another machine; for pytest-socket
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        os.environ["DATABASE_URL"] = _renamed(os.environ["DATABASE_URL"], f"{_name()}_{worker}")
    else:
        given = {name: os.environ.get(f"TEST_{name}", os.environ.get(name)) for name in NOWHERE}
        # A developer's own settings must not decide whether a test passes.
        for name in map(str.upper, Environment.model_fields):
            os.environ.pop(name, None)
            os.environ.pop(f"{name}_FILE", None)
        os.environ["ENVIRONMENT"] = "test"
        # A run makes thousands of requests; what tests throttles sets its own.
        os.environ |= {f"THROTTLE_{who}": "1000000/second" for who in THROTTLED}
        idle = "not integration" in config.option.markexpr or config.option.collectonly
        if BASE_URL:  # all that is needed is there
            config.option.allow_hosts += f",{urlsplit(BASE_URL).hostname}"
            idle = True
        try:
            os.environ.update(NOWHERE if idle else _start(given))
            environment.load()
            if not idle:
                config.stash[TURN] = _take_turn(config)
        except (ConfigurationError, servers.ServerError, psycopg.OperationalError) as error:
            pytest.exit(f"The tests do not run here: {error}", returncode=4)
    # Plain: tracebacks that are drawn with colours and variables take seconds.
    plain = structlog.processors.KeyValueRenderer()
    structlog.configure([structlog.processors.format_exc_info, plain])
    config.pluginmanager.import_plugin("tests.framework")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind, not a database and not a key."""
    if turn := config.stash.get(TURN, None):
        ours = re.compile(re.escape(_name()) + r"(_gw\d+)?(_scratch)?")
        for (name,) in turn.execute("SELECT datname FROM pg_database").fetchall():
            if ours.fullmatch(str(name)):
                _drop(turn, str(name))
        turn.close()
        with Redis.from_url(os.environ["REDIS_URL"]) as client:
            for key in client.scan_iter(f"{redis.prefix(environment.load())}:*"):
                client.delete(key)


def _start(given: dict[str, str | None]) -> dict[str, str]:
    """Start what is not given. In the embedded servers, tests keep away from `make run`'s data."""
    os.environ.update({name: url for name, url in given.items() if url})
    urls = servers.start()
    if not given["DATABASE_URL"]:
        name = f"test_{identity.NAME.replace('-', '_')}"
        urls["DATABASE_URL"] = _renamed(urls["DATABASE_URL"], name)
    if not given["REDIS_URL"]:
        urls["REDIS_URL"] = _renamed(urls["REDIS_URL"], "1")
    return urls


def _name() -> str:
    return urlsplit(os.environ["DATABASE_URL"]).path.removeprefix("/")


def _renamed(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _administer() -> Administrator:
    url = _renamed(os.environ["DATABASE_URL"], "postgres")
    return psycopg.connect(url, autocommit=True, connect_timeout=5)


def _take_turn(config: pytest.Config) -> Administrator:
    """Wait for the end of another run with these databases; hold the turn while connected."""
    turn = _administer()
    lock = [_name()]
    if turn.execute("SELECT pg_try_advisory_lock(hashtext(%s))", lock).fetchone() != (True,):
        with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            sys.stderr.write("Waiting for another run of these tests to end.\n")
        turn.execute("SELECT pg_advisory_lock(hashtext(%s))", lock)
    return turn


def _drop(administrator: Administrator, name: str) -> None:
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    administrator.execute(statement)


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest) -> None:
    """Let only integration tests have sockets, and those to this machine (see pyproject.toml)."""
    if not request.node.get_closest_marker("integration"):
        disable_socket(allow_unix_socket=True)


@pytest.fixture(autouse=True)
def _no_request() -> Iterator[None]:
    """Forget the request that a test was about."""
    yield
    clear_contextvars()


if BASE_URL:

    @pytest.fixture(name="anywhere")
    def _there() -> Client:
        """Return a client of the service at BASE_URL."""
        return Remote(BASE_URL)

else:

    @pytest.fixture(name="anywhere")
    def _here(data_client: Client) -> Client:
        """Return a client of this service."""
        return data_client


@pytest.fixture
def scratch_database() -> Iterator[str]:
    """Return the address of an empty database for a test that changes the schema."""
    name = f"{_name()}_scratch"
    with _administer() as administrator:
        _drop(administrator, name)
        create = sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0")
        administrator.execute(create.format(sql.Identifier(name)))
        yield _renamed(os.environ["DATABASE_URL"], name)
        _drop(administrator, name)


@pytest.fixture
def login(execute: Execute) -> Login:
    """Return what makes the headers of a user's requests; each is a login of its own."""

    def login(user: Person) -> dict[str, str]:
        claims = tokens.Claims(user.id, uuid4(), uuid4())
        query = (
            "INSERT INTO access_token_family (id, user_id, current, expires_at)"
            " VALUES (%s, %s, %s, now() + interval '1 day')"
        )
        execute(query, [claims.family_id, claims.user_id, claims.token_id])
        return {"Authorization": f"Bearer {tokens.issue(claims).access_token}"}

    return login
