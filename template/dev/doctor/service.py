"""The service that is examined: its made-up surroundings, and how it is asked.

It is set up as in production, with values of no use to anybody. No server listens: the database
is one in memory, and Redis is away.
"""

import functools
import itertools
import json
import os
import secrets
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar
from unittest.mock import MagicMock

import structlog

ROOT = Path.cwd()
HOST = "doctor.example"
PROXY, INSIDE, OUTSIDE = "192.0.2.1", "198.51.100.7", "203.0.113.7"
ADMIN_PATH = "planted-admin"
PASSWORD = secrets.token_urlsafe(24)
SURROUNDINGS = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": secrets.token_urlsafe(64),
    "JWT_SIGNING_KEY": secrets.token_urlsafe(64),
    "ALLOWED_HOSTS": HOST,
    "CORS_ALLOWED_ORIGINS": f"https://{HOST}",
    "TRUSTED_PROXIES": PROXY,
    "ADMIN_NETWORKS": "198.51.100.0/24",
    "ADMIN_PATH": ADMIN_PATH,
    "ALLOW_DUMMY_PROVIDERS": "true",
    # Nobody listens there, which is known at once.
    "DATABASE_URL": f"postgresql://doctor:{secrets.token_urlsafe(24)}@127.0.0.1:1/doctor",
    "REDIS_URL": f"redis://:{secrets.token_urlsafe(24)}@127.0.0.1:1/0",
    "BOOT_ATTEMPTS": "1",
}

Check = Callable[[], None]
T = TypeVar("T", bound=Check)
CHECKS: dict[str, Check] = {}
_addresses = (f"203.0.{third}.{last}" for third in range(113, 256) for last in range(10, 250))
_names = (f"somebody{number}@{HOST}" for number in itertools.count())


def checks(name: str) -> Callable[[T], T]:
    """Let a function be the check of the hardening with this id; it raises `AssertionError`."""

    def kept(check: T) -> T:
        CHECKS[name] = check
        return check

    return kept


def need(holds: object, sentence: str) -> None:
    """Raise `AssertionError` with the sentence that says what is wrong unless something holds."""
    if not holds:
        raise AssertionError(sentence)


@contextmanager
def refused(kind: type[Exception], sentence: str) -> Iterator[None]:
    """Raise `AssertionError` with the sentence unless the block raises a `kind`."""
    try:
        yield
    except kind:
        return
    raise AssertionError(sentence)


def prepare() -> None:
    """Set up the surroundings; groups of settings of the team's own hold whatever they need."""
    from config import domains, environment

    structlog.configure(processors=[_say_nothing])
    for name in environment.Environment.model_fields:
        os.environ.pop(name.upper(), None)
        os.environ.pop(f"{name.upper()}_FILE", None)
    os.environ.update(SURROUNDINGS)
    list(domains.modules("settings"))
    groups: list[Any] = environment.Settings.__subclasses__()
    for group in groups:
        try:
            group()
        except ValueError:
            if group is not environment.Environment:
                group.__init__ = _hold_anything
    with suppress(Exception):  # what is wrong with it is for the checks to say
        framework = import_module("dev.doctor.framework")
        framework.application()


def complete(connection: Any) -> None:
    """Let a database in memory do what the tables ask PostgreSQL for."""
    connection.create_function("gen_random_uuid", 0, lambda: os.urandom(16).hex())
    for kind in (dict, list):
        sqlite3.register_adapter(kind, json.dumps)


def _say_nothing(*_: object) -> NoReturn:
    raise structlog.DropEvent


def _hold_anything(group: Any, **_: object) -> None:
    fields = type(group).model_fields.items()
    unknown = {name: MagicMock() for name, field in fields if field.is_required()}
    for name, value in vars(type(group).model_construct(**unknown)).items():
        group.__dict__[name] = value
    object.__setattr__(group, "__pydantic_fields_set__", set(unknown))
    object.__setattr__(group, "__pydantic_extra__", None)
    object.__setattr__(group, "__pydantic_private__", None)


@contextmanager
def variables(**changes: str) -> Iterator[None]:
    """Let the service read other values than `SURROUNDINGS` has; an empty one counts as unset."""
    before = dict(os.environ)
    os.environ.update(changes)
    _forget()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        _forget()


def _forget() -> None:
    """Empty what the service's own modules keep of the settings they have read."""
    source = str(ROOT / "src")
    for module in list(sys.modules.values()):
        if str(getattr(module, "__file__", None) or "").startswith(source):
            for value in list(vars(module).values()):
                if isinstance(value, functools._lru_cache_wrapper):
                    value.cache_clear()


class Body(BytesIO):
    """A body, and how much of it was taken."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        """Return as much of it, or all."""
        found = super().read(size)
        self.taken += len(found)
        return found


class Request(NamedTuple):
    """What comes in: names of headers are in lower case, `peer` is who is connected."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Body
    peer: str


class Answer(NamedTuple):
    """What goes out: names of headers are in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """Return the header's value, "" where there is none."""
        return ", ".join(value for key, value in self.headers if key == name)

    @property
    def json(self) -> Any:
        """Return what the body says, or nothing where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}


def request(
    method: str,
    path: str,
    body: object = None,
    *,
    token: str = "",
    headers: Mapping[str, str] | None = None,
    client: str = "",
    peer: str = PROXY,
    scheme: str = "https",
) -> Request:
    """Return a request; without a `client` it comes from an address that never asked before."""
    if not isinstance(body, bytes):
        body = b"" if body is None else json.dumps(body).encode()
    sent = {
        "host": HOST,
        "x-forwarded-for": client or next(_addresses),
        "x-forwarded-proto": scheme,
        **({"content-type": "application/json"} if body else {}),
        **({"authorization": f"Bearer {token}"} if token else {}),
        **({"content-length": str(len(body))} if body else {}),
        **(headers or {}),
    }
    place, _, query = path.partition("?")
    return Request(method, place, query, sent, Body(body), peer)


def ask(method: str, path: str, body: object = None, **more: Any) -> Answer:
    """Return the service's answer to a `request`."""
    from dev.doctor import framework

    return framework.answer(request(method, path, body, **more))


class Person(NamedTuple):
    """Somebody with an account, and the tokens of one login."""

    email: str
    access: str
    refresh: str

    @property
    def is_known(self) -> bool:
        """Whether the access token lets them in."""
        return ask("GET", "/api/v1/users/me", token=self.access).status == 200


def somebody(**columns: object) -> Person:
    """Return a new user, logged in."""
    from dev.doctor import framework

    email = next(_names)
    framework.make_user(email, framework.hash_of(PASSWORD), **columns)
    return log_in(email)


def log_in(email: str, password: str = PASSWORD) -> Person:
    """Return a user with the tokens of a new login."""
    found = ask("POST", "/api/v1/auth/token", {"email": email, "password": password})
    need(found.status == 200, f"A login with the right password is answered {found.status}.")
    return Person(email, found.json["access_token"], found.json.get("refresh_token", ""))
