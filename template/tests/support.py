"""What tests of several folders need."""

import json
import os
import re
import runpy
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

import psycopg

from config import identity

ENTRYPOINT = [sys.executable, str(identity.ROOT / "src" / "entrypoint.py")]
MANAGE = [sys.executable, str(identity.ROOT / "manage.py")]
# Random, and still the same in every run: `b"production".hex()` would be refused as too weak.
SECRET = "Zk3vQ8wT1yR6uN0sM5xB2cL7dF4gH9jKpAoEiIeUaYtWqXnVbS"  # pragma: allowlist secret
JWT_KEY = SECRET[::-1]
PASSWORD = "correct horse battery"
# All that production needs, and nothing it would refuse; nothing answers at these addresses.
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": SECRET,
    "JWT_SIGNING_KEY": JWT_KEY,
    "ALLOWED_HOSTS": "api.example.com,.example.org",
    "CORS_ALLOWED_ORIGINS": "https://app.example.com",
    "DATABASE_URL": f"postgresql://app:{SECRET[:20]}@127.0.0.1:1/orders",
    "REDIS_URL": f"redis://:{SECRET[20:40]}@127.0.0.1:1/0",
}


class Response(Protocol):
    """What the test clients of both frameworks answer."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def content(self) -> bytes: ...

    def json(self) -> Any: ...


Headers = dict[str, str] | None


class Client(Protocol):
    """What the test clients of both frameworks take; without `json` no body is sent."""

    def get(self, path: str, /, *, headers: Headers = None) -> Response: ...

    def head(self, path: str, /, *, headers: Headers = None) -> Response: ...

    def options(self, path: str, /, *, headers: Headers = None) -> Response: ...

    def post(self, path: str, /, *, json: object = None, headers: Headers = None) -> Response: ...

    def put(self, path: str, /, *, json: object = None, headers: Headers = None) -> Response: ...

    def patch(self, path: str, /, *, json: object = None, headers: Headers = None) -> Response: ...

    def delete(self, path: str, /, *, headers: Headers = None) -> Response: ...


def reviewed() -> set[str]:
    """Return the public routes that the tests of domains name, in `ROUTES` of their `public.py`.

    A list of its own on purpose: a route is opened in two places, and looked at twice.
    """
    found = sorted((identity.ROOT / "tests" / "apps").glob("*/public.py"))
    return set().union(*(runpy.run_path(str(path))["ROUTES"] for path in found))


class Serve(Protocol):
    """Makes a client of the whole application, with routes and a limit of the test's own."""

    def __call__(
        self,
        routes: Mapping[str, Callable[..., object]] | None = None,
        *,
        limit: int = 64,
    ) -> Client: ...


class Person(Protocol):
    """What the tests know of a user, whose password is `PASSWORD`."""

    @property
    def id(self) -> uuid.UUID: ...

    @property
    def email(self) -> str: ...


# Each is a fixture: it stores a user with these fields; it makes the headers of a user's requests;
# it stores what a factory builds; it runs SQL on the database that the client's requests see.
MakeUser = Callable[..., Person]
Login = Callable[[Person], dict[str, str]]
Make = Callable[..., Any]
Execute = Callable[..., list[tuple[Any, ...]]]


class Clock:
    """A clock that stands still until it is turned; stands in for a module's `time`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


def bare_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return what a program needs to start and to be measured, and `variables`."""
    kept = {"PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV"}
    return {
        name: value
        for name, value in os.environ.items()
        if name in kept or name.startswith("COVERAGE_")
    } | dict(variables)


def run(
    *command: str,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end with `environ` as its only settings."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=bare_environment(environ or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def statements() -> Iterator[list[tuple[Any, Any]]]:
    """Collect each statement and its parameters that is sent meanwhile, whoever sends it.

    What only marks a place in a transaction, or looks whether the server is there, is no query.
    """
    sent: list[tuple[Any, Any]] = []
    execute, execute_async = psycopg.Cursor.execute, psycopg.AsyncCursor.execute

    def note(query: Any, parameters: Any) -> None:
        if not re.match(r"((RELEASE |ROLLBACK TO )?SAVEPOINT|;$)", str(query)):
            sent.append((query, parameters))

    def noting(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        note(query, params)
        return execute(self, query, params, **options)

    async def noting_async(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        note(query, params)
        return await execute_async(self, query, params, **options)

    with (
        patch.object(psycopg.Cursor, "execute", noting),
        patch.object(psycopg.AsyncCursor, "execute", noting_async),
    ):
        yield sent


def faults(answer: Response) -> dict[str, str]:
    """Return the code of each wrong value; the answer must be about nothing else."""
    assert answer.status_code == 422, answer.content
    body = answer.json()
    assert body["code"] == "validation_failed"
    assert all(error["message"] for error in body["errors"])
    found = {error["pointer"]: error["code"] for error in body["errors"]}
    assert list(found) == sorted(found)
    assert len(found) == len(body["errors"])
    return found


def refusal(answer: Response, status: int, code: str) -> Response:
    """Return the answer, which must be this problem."""
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    return answer


def events(output: str) -> list[dict[str, Any]]:
    """Parse an output in which every line must be a JSON object."""
    return [json.loads(line) for line in output.splitlines()]


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Return when `condition` holds; fail when it does not in time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "this took too long"
        time.sleep(0.02)
