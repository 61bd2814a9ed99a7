"""How a service on FastAPI is asked, and the checks that know FastAPI."""

import asyncio
import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from unittest.mock import MagicMock, patch

from dev.doctor.service import PASSWORD, Answer, Request, complete, need, variables

RUNNER = asyncio.Runner()
ENGINES: list[Any] = []  # as production has it, and the one in memory


@lru_cache(maxsize=1)
def application() -> Any:
    """Return the application, on a database in memory."""
    from sqlalchemy import StaticPool, create_engine
    from sqlalchemy.ext.asyncio import AsyncEngine

    from config import database

    if not ENGINES:
        memory: Any = create_engine("sqlite://", poolclass=StaticPool)
        memory.dialect.is_async = True  # it answers at once, so nobody sees that it is not
        memory.dispose = lambda *_, **__: None  # its tables would go, too
        ENGINES[:] = database.engine(), memory
        database.engine = lru_cache(lambda: AsyncEngine(memory))
    import main
    from accounts.models import User

    _make_tables(User.metadata, ENGINES[1])
    return main.app


def _make_tables(metadata: Any, memory: Any) -> None:
    from sqlalchemy import ForeignKeyConstraint, PrimaryKeyConstraint, UniqueConstraint

    kept = (ForeignKeyConstraint, PrimaryKeyConstraint, UniqueConstraint)
    names = {"accounts_user", "access_token_family", "access_role_grant"}
    tables = [table for name, table in metadata.tables.items() if name in names]
    columns = [column for table in tables for column in table.columns if not column.nullable]
    # A team's own columns may have no default, and types, indexes and rules of PostgreSQL's alone.
    memory.dialect.type_compiler_instance.visit_unsupported_compilation = lambda *_, **__: "TEXT"
    for table in tables:
        table.indexes.clear()
        table.constraints = {each for each in table.constraints if isinstance(each, kept)}
    for column in columns:
        column.nullable = not column.primary_key
    with memory.begin() as connection:
        complete(connection.connection)
        metadata.create_all(connection, tables)
    for column in columns:
        column.nullable = False


def build() -> Any:
    """Return another application, which reads the settings anew."""
    import main

    return main.create()


def answer(asked: Request, of: Any = None, during: Callable[[], Any] | None = None) -> Answer:
    """Return what the application answers; `during` is awaited when its answer begins."""
    return RUNNER.run(_answer(asked, of or application(), during))


async def _answer(asked: Request, app: Any, during: Callable[[], Any] | None = None) -> Answer:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": "http",
        "path": asked.path,
        "raw_path": asked.path.encode(),
        "query_string": asked.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), text.encode()) for name, text in asked.headers.items()],
        "client": (asked.peer, 1234),
        "server": ("127.0.0.1", 8000),
    }
    begun: list[Any] = []
    body = b""
    size = len(asked.body.getvalue())
    more = True

    async def receive() -> dict[str, Any]:
        nonlocal more
        if not more:  # the client waits for the answer, however long that takes
            await asyncio.Event().wait()
        part = asked.body.read(2**16)
        more = asked.body.taken < size
        return {"type": "http.request", "body": part, "more_body": more}

    async def send(message: dict[str, Any]) -> None:
        nonlocal body
        if message["type"] == "http.response.start":
            begun.append(message)
            if during:
                await during()
        body += message.get("body", b"")

    await app(scope, receive, send)
    headers = [(name.decode().lower(), text.decode()) for name, text in begun[0]["headers"]]
    return Answer(begun[0]["status"], headers, body)


def crowded(asked: Request) -> Answer | None:
    """Return the answer to a request that comes while another is all that may be in progress."""
    application()
    answers: list[Answer] = []
    with variables(MAX_CONCURRENT_REQUESTS="1"):
        crowd = build()

        async def meanwhile() -> None:
            answers.append(await _answer(asked, crowd))

        answer(asked, crowd, meanwhile)
    return answers[0] if answers else None


def plant() -> None:
    """Add `GET /planted/closed`, and `GET /planted/stored/{status}`, which stores a user first."""
    from fastapi import Response

    from accounts.models import User
    from config.database import Session

    async def closed() -> None:
        return None

    async def stored(session: Session, status: int) -> Response:
        session.add(User(email=f"{status}@stored.example", password=""))
        await session.flush()
        return Response(status_code=status)

    application().add_api_route("/planted/closed", closed)
    application().add_api_route("/planted/stored/{status}", stored)


def failing_commit() -> Any:
    """Return a context in which the database refuses to commit."""
    from sqlalchemy.exc import OperationalError

    fault = OperationalError("COMMIT", {}, Exception())
    return patch.object(ENGINES[1].dialect, "do_commit", side_effect=fault)


def _in_session(work: Callable[[Any], Any]) -> Any:
    application()
    from config.database import sessions

    async def done() -> Any:
        async with sessions()() as session, session.begin():
            return await work(session)

    return RUNNER.run(done())


def make_user(email: str, password: str, **columns: object) -> None:
    """Store a user; the password is its hash."""
    application()
    from accounts.models import User

    async def make(session: Any) -> None:
        session.add(User(email=email, password=password, **columns))

    _in_session(make)


def column(email: str, name: str) -> Any:
    """Return a column of a user, None where there is no such user."""
    from sqlalchemy import select

    application()
    from accounts.models import User

    query = select(getattr(User, name)).where(User.email == email)
    return _in_session(lambda session: session.scalar(query))


def set_columns(email: str, **columns: object) -> None:
    """Change columns of a user, and nothing else."""
    from sqlalchemy import update

    from accounts.models import User

    change = update(User).where(User.email == email).values(**columns)
    _in_session(lambda session: session.execute(change))


def hash_of(password: str) -> str:
    """Return the hash that the service keeps of a password."""
    from accounts import hashing

    found: str = RUNNER.run(hashing.make(password))
    return found


def weak_hash() -> str:
    """Return a hash of `PASSWORD` with less work in it."""
    from argon2 import PasswordHasher

    return PasswordHasher(1, 8, 1).hash(PASSWORD)


async def _user(session: Any, email: str) -> Any:
    from sqlalchemy import select

    from accounts.models import User

    return await session.scalar(select(User).where(User.email == email))


def deactivate(actor: str, email: str) -> None:
    """Have one user shut another one out."""
    from accounts import services

    async def work(session: Any) -> None:
        by, whom = await _user(session, actor), await _user(session, email)
        await services.set_active(session, actor=by, user_id=whom.id, is_active=False)

    _in_session(work)


def give_roles(actor: str, email: str, roles: list[str]) -> None:
    """Have one user give another one roles, and take all others."""
    from accounts import services

    async def work(session: Any) -> None:
        by, whom = await _user(session, actor), await _user(session, email)
        await services.replace_roles(session, actor=by, user_id=whom.id, roles=roles)

    _in_session(work)


def first_superuser() -> None:
    """Run the command that makes one."""
    application()
    from accounts import commands
    from config.environment import load

    RUNNER.run(commands.create_first_superuser(load()))


def connections() -> dict[str, Any]:
    """Return what bounds connections: `pool`, `wait`, and libpq's parameters; Redis's options."""
    application()
    from config.cache import cache

    engine = ENGINES[0]
    given: dict[str, Any] = {}
    connect = engine.sync_engine.pool._creator
    with patch.object(engine.dialect, "connect", lambda *_, **parameters: given.update(parameters)):
        connect()
    pool = engine.pool
    redis = cache()._client.connection_pool
    return {
        "pool": pool.size() + max(pool._max_overflow, 0),
        "wait": pool._timeout,
        "parameters": given,
        "redis": {**redis.connection_kwargs, "max_connections": redis.max_connections},
    }


class _Timer:
    """What the server will do, and after how many seconds."""

    def __init__(self, seconds: float, act: Callable[[], None]) -> None:
        self.seconds, self.act, self.is_on = seconds, act, True

    def cancel(self) -> None:
        self.is_on = False


class _Loop:
    """An event loop in which time stands still and nothing runs."""

    def __init__(self) -> None:
        self.timers: list[_Timer] = []

    def call_later(self, seconds: float, act: Callable[[], None]) -> _Timer:
        self.timers.append(_Timer(seconds, act))
        return self.timers[-1]

    def create_task(self, work: Any, **_: Any) -> MagicMock:
        work.close()
        return MagicMock()


def _uvicorn(arbiter: Any) -> Any:
    """Return how the worker of the server configures uvicorn."""
    from config import worker

    made = arbiter.worker_class(1, os.getppid(), [], arbiter.app, 30, arbiter.cfg, arbiter.log)
    made.wsgi = application()
    with patch.object(worker, "Server") as server:
        made.run()
    config = server.call_args.args[0]
    config.load()
    return config


class _Connection:
    """A client of the server's protocol."""

    def __init__(self, arbiter: Any) -> None:
        from uvicorn.server import ServerState

        config, self._loop = _uvicorn(arbiter), _Loop()
        self.transport = MagicMock()
        self.transport.get_extra_info.return_value = None
        self.protocol = config.http_protocol_class(config, ServerState(), {}, self._loop)
        self.protocol.connection_made(self.transport)

    def send(self, *parts: bytes) -> None:
        for part in parts:
            if not self.was_cut:
                self.protocol.data_received(part)

    @property
    def was_cut(self) -> bool:
        return bool(self.transport.close.called)

    def waits(self, seconds: float) -> bool:
        """Let the client do nothing for so long; return whether it was cut."""
        for timer in self._loop.timers:
            if timer.is_on and timer.seconds <= seconds:
                timer.act()
        return self.was_cut


HEAD = b"POST /planted HTTP/1.1\r\nHost: doctor.example\r\n"
LINE = b"X-Planted: " + b"x" * 1024 + b"\r\n"


def slow_head(arbiter: Any) -> None:
    """Raise `AssertionError` if a client may take its time for headers, or send any number."""
    need(_Connection(arbiter).waits(60), "A client that sends nothing for a minute is not cut.")
    slow, endless = _Connection(arbiter), _Connection(arbiter)
    slow.send(HEAD)
    need(slow.waits(60), "A client that sends no headers for a minute is not cut.")
    endless.send(HEAD, *[LINE] * 256)
    need(endless.was_cut, "A client may send any number of headers.")


def slow_body(arbiter: Any) -> None:
    """Raise `AssertionError` if a client may take its time for a body, or trailers are headers."""
    slow, trailing = _Connection(arbiter), _Connection(arbiter)
    slow.send(HEAD + b"Content-Length: 9\r\n\r\n")
    need(slow.waits(60), "A client whose body does not come for a minute is not cut.")
    trailing.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0\r\n", LINE)
    names = {name for name, _ in trailing.protocol.scope["headers"]}
    need(b"x-planted" not in names, "What comes after a body counts as a header.")
    trailing.send(*[LINE] * 256)
    need(trailing.was_cut, "A client may send any number of trailers.")


def server_header(arbiter: Any) -> str:
    """Return the line of the server's own headers that names it, or ""."""
    return "server: uvicorn" if _uvicorn(arbiter).server_header else ""


def admin() -> None:
    """Do nothing: there is no admin."""
