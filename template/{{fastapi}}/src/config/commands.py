"""The commands of `manage.py`."""

import argparse
import asyncio
import code
import os
from collections.abc import Sequence
from typing import Any

from alembic import command
from alembic.util.exc import CommandError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from accounts import commands as accounts
from config import identity, migrations
from config.environment import Environment


def run(settings: Environment, arguments: Sequence[str]) -> int:
    """Parse and run one command; return its exit code."""
    parser = argparse.ArgumentParser(prog="manage.py", description=f"Commands of {identity.NAME}.")
    commands = parser.add_subparsers(dest="command", required=True)
    migrate = commands.add_parser("migrate", help="apply migrations")
    migrate.add_argument("revision", nargs="?", default="head", help="back or forth; base for none")
    make = commands.add_parser("makemigrations", help="write a migration of what models changed")
    what = make.add_mutually_exclusive_group(required=True)
    what.add_argument("-n", "--name", "-m", "--message", help="what changes, say add_orders")
    what.add_argument("--check", action="store_true", help="write nothing, fail where one lacks")
    commands.add_parser("showmigrations", help="list the migrations and where the database is")
    check = commands.add_parser("check", help="fail if models changed and no migration says so")
    check.set_defaults(check=True)
    commands.add_parser("createfirstsuperuser", help="make the user of SUPERUSER_EMAIL, once")
    commands.add_parser("purgetokens", help="forget the logins whose tokens are out of time")
    commands.add_parser("dbshell", help="open psql on the database")
    commands.add_parser("shell", help="open Python with the settings loaded")
    options = parser.parse_args(arguments)
    try:
        _run(settings, options)
    except CommandError as error:
        parser.exit(1, f"manage.py: {error}\n")
    return 0


def _drop_empty(_context: object, _revision: object, directives: list[Any]) -> None:
    if directives[0].upgrade_ops.is_empty():
        directives.clear()


def _migrate(settings: Environment, revision: str) -> None:
    team, template = map(migrations.configuration, (migrations.TEAM, migrations.TEMPLATE))
    if not migrations.is_undone_by(revision, settings):
        command.upgrade(team, revision)
        if revision == "head":
            command.upgrade(template, revision)
        return
    if revision == "base":
        command.downgrade(template, revision)
    command.downgrade(team, revision)


def _run(settings: Environment, options: argparse.Namespace) -> None:
    team, template = map(migrations.configuration, (migrations.TEAM, migrations.TEMPLATE))
    match options.command:
        case "migrate":
            _migrate(settings, options.revision)
        case "check" | "makemigrations" if options.check:
            command.check(team)
            command.check(template)
        case "makemigrations":
            command.revision(
                team, options.name, autogenerate=True, process_revision_directives=_drop_empty
            )
        case "showmigrations":
            command.history(team, indicate_current=True)
            command.history(template, indicate_current=True)
        case "createfirstsuperuser":
            asyncio.run(accounts.create_first_superuser(settings))
        case "purgetokens":
            asyncio.run(accounts.purge_tokens())
        case "dbshell":
            address = conninfo_to_dict(settings.database)
            # In the environment, since other users may read a command line.
            environ = {**os.environ, "PGPASSWORD": str(address.pop("password", ""))}
            os.execvpe("psql", ["psql", make_conninfo("", **address)], environ)  # noqa: S606, S607
        case "shell":
            code.interact(local={"settings": settings})
