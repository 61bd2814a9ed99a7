"""The commands of manage.py."""

import os
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from config import commands
from config.environment import load
from tests.support import MANAGE, run


@pytest.mark.parametrize("arguments", [[], ["fly"], ["makemigrations"]])
def test_a_wrong_command_is_a_usage_error(
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The message says what is possible."""
    with pytest.raises(SystemExit, match="2"):
        commands.run(load(), arguments)
    assert "usage: manage.py" in capsys.readouterr().err


@pytest.mark.integration
def test_an_unknown_revision_is_a_sentence(
    database: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not a traceback."""
    with pytest.raises(SystemExit, match="1"):
        commands.run(load(), ["migrate", "no_such_revision"])
    assert "manage.py: Can't locate revision" in capsys.readouterr().err


@pytest.mark.integration
def test_the_migrations_are_listed(database: None) -> None:
    """With the place where the database is."""
    servers = {"DATABASE_URL": load().database, "REDIS_URL": load().redis}
    done = run(*MANAGE, "showmigrations", environ=servers | {"ENVIRONMENT": "test"})
    assert "-> 0001_initial" in done.stdout
    assert "(head) (current)" in done.stdout


def test_dbshell_becomes_psql(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the service's own database."""
    became: list[Any] = []
    monkeypatch.setattr(os, "execvpe", lambda *command: became.extend(command))
    assert commands.run(load(), ["dbshell"]) == 0
    program, arguments, environ = became
    address = conninfo_to_dict(load().database)
    assert environ["PGPASSWORD"] == address.pop("password", "")
    assert (program, conninfo_to_dict(arguments[1])) == ("psql", address)


def test_shell_knows_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks around starts with what holds."""
    known: list[object] = []
    monkeypatch.setattr("code.interact", lambda local: known.append(local["settings"]))
    assert commands.run(load(), ["shell"]) == 0
    assert known == [load()]
