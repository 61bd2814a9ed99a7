"""The limits of every database session, and the servers that are refused."""

from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import QueryCanceled
from pydantic import SecretStr

from config import postgres
from config.environment import ConfigurationError, Environment, load


def shown(settings: Environment, name: str) -> str:
    """Return the effective value of a server setting in a session of ours."""
    with psycopg.connect(**postgres.parameters(settings)) as connection:
        row = connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()
    assert row
    return str(row[0])


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("statement_timeout", "30s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "1min"),
    ],
)
def test_every_session_has_its_limits(database: None, name: str, value: str) -> None:
    """The server itself knows them, so no code path can forget one."""
    assert shown(load(), name) == value


@pytest.mark.integration
def test_the_statement_timeout_ends_a_statement(database: None) -> None:
    """A query that takes too long is cancelled, and its connection can be used again."""
    settings = load().model_copy(update={"database_statement_timeout": 0.1})
    with psycopg.connect(**postgres.parameters(settings), autocommit=True) as connection:
        with pytest.raises(QueryCanceled):
            connection.execute("SELECT pg_sleep(30)")
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.integration
def test_options_of_the_address_are_kept(database: None) -> None:
    """What an operator adds stands beside our limits, and wins over them."""
    url = f"{load().database}?options=-c%20work_mem%3D8MB%20-c%20lock_timeout%3D1s"
    settings = load().model_copy(update={"database_url": SecretStr(url)})
    assert shown(settings, "work_mem") == "8MB"
    assert shown(settings, "lock_timeout") == "1s"
    assert shown(settings, "statement_timeout") == "30s"


def test_pgbouncer_gets_no_options() -> None:
    """It refuses them; there the role carries the limits."""
    assert "options" in postgres.parameters(load())
    settings = load().model_copy(update={"database_pgbouncer": True})
    assert "options" not in postgres.parameters(settings)


def test_the_address_wins_over_our_defaults() -> None:
    """An operator may choose another name or another patience."""
    url = "postgresql://app@db/test?application_name=night&connect_timeout=2"
    settings = load().model_copy(update={"database_url": SecretStr(url)})
    parameters = postgres.parameters(settings)
    assert parameters["application_name"] == "night"
    assert int(parameters["connect_timeout"]) == 2
    assert postgres.parameters(load())["connect_timeout"] == postgres.CONNECT_TIMEOUT


@pytest.mark.integration
def test_a_good_server_tells_how_many_connections_it_allows(database: None) -> None:
    """The sum that the number of processes has to fit into."""
    expected = int(shown(load(), "max_connections"))
    assert 0 < postgres.verify(load()) < expected


@pytest.mark.integration
@pytest.mark.security
def test_the_embedded_server_is_refused_in_production(
    database: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is known by its cluster's name, and fine anywhere else."""
    monkeypatch.setattr(postgres, "EMBEDDED", shown(load(), "cluster_name"))
    production = load().model_copy(update={"environment": "production"})
    with pytest.raises(ConfigurationError, match="embedded development server"):
        postgres.verify(production)
    assert postgres.verify(load())


@pytest.mark.integration
def test_an_old_server_is_refused(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says which version is there and which is needed."""
    monkeypatch.setattr(postgres, "OLDEST_VERSION", 99)
    with pytest.raises(ConfigurationError, match=r"PostgreSQL \d\d is too old, 99 is needed"):
        postgres.verify(load())


@pytest.fixture
def ascii_database(scratch_database: str) -> str:
    """Return the address of a database that does not know its encoding."""
    address = urlsplit(scratch_database)
    name = sql.Identifier(address.path.removeprefix("/"))
    locale = "LOCALE_PROVIDER libc LOCALE 'C'"
    create = sql.SQL(f"CREATE DATABASE {{}} ENCODING 'SQL_ASCII' {locale} TEMPLATE template0")
    maintenance = address._replace(path="/postgres").geturl()
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {}").format(name))
        connection.execute(create.format(name))
    return scratch_database


@pytest.mark.integration
def test_another_encoding_is_refused(ascii_database: str) -> None:
    """A database that takes any bytes loses names sooner or later."""
    settings = load().model_copy(update={"database_url": SecretStr(ascii_database)})
    with pytest.raises(ConfigurationError, match=r"encoded in .*SQL_ASCII.*, UTF8 is needed"):
        postgres.verify(settings)


@pytest.mark.integration
@pytest.mark.parametrize("password", ["p@ss:w/rd#1%2F", "100% sure?&=", "ünï+[::1]"])
def test_a_password_of_any_characters_logs_in(
    database: None,
    monkeypatch: pytest.MonkeyPatch,
    password: str,
) -> None:
    """The address that is built from parts reaches a real server."""
    here = urlsplit(load().database)
    role = f"role_of_{here.path.removeprefix('/')}"
    with psycopg.connect(load().database, autocommit=True) as connection:
        identifier = sql.Identifier(role)
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(identifier))
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        connection.execute(create.format(identifier, sql.Literal(password)))
        monkeypatch.delenv("DATABASE_URL")
        monkeypatch.setenv("POSTGRES_HOST", here.hostname or "")
        monkeypatch.setenv("POSTGRES_PORT", str(here.port or 5432))
        monkeypatch.setenv("POSTGRES_DB", here.path.removeprefix("/"))
        monkeypatch.setenv("POSTGRES_USER", role)
        monkeypatch.setenv("POSTGRES_PASSWORD", password)
        try:
            with psycopg.connect(**postgres.parameters(Environment())) as login:
                assert login.info.user == role
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(identifier))
