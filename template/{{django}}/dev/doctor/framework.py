"""How a service on Django is asked, and the checks that know Django."""

import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, patch

from dev.doctor.service import (
    ADMIN_PATH,
    INSIDE,
    OUTSIDE,
    PASSWORD,
    ROOT,
    Answer,
    Request,
    ask,
    checks,
    complete,
    need,
    refused,
    variables,
)

DATABASE: dict[str, Any] = {}  # as production has it


@lru_cache(maxsize=1)
def application() -> Callable[..., Iterable[bytes]]:
    """Return the application, on a database in memory."""
    from config import django_setup
    from config.environment import load

    django_setup.select(load())
    from django.conf import settings

    if not DATABASE:
        DATABASE.update(settings.DATABASES["default"])
        settings.DATABASES["default"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    import django

    django.setup()
    _make_tables()
    return build()


def build() -> Callable[..., Iterable[bytes]]:
    """Return another application, which reads the settings anew."""
    from django.core.handlers.wsgi import WSGIHandler

    return WSGIHandler()


def _make_tables() -> None:
    from django.apps import apps
    from django.db import connection

    ours = {"accounts", "access", "auth", "contenttypes", "sessions"}
    models = [model for model in apps.get_models() if model._meta.app_label in ours]
    # A team's own columns may have no default, and types, indexes and rules of PostgreSQL's alone.
    fields = [field for model in models for field in model._meta.local_fields if not field.null]
    for model in models:
        for field in model._meta.local_fields:
            if field.__module__.startswith("django.contrib.postgres"):
                vars(field).update(db_type=lambda _: "text", get_placeholder=lambda *_: "%s")
    with connection.schema_editor() as editor:
        for field in fields:
            field.null = not field.primary_key
        for model in models:
            none: Any = {"constraints": [], "indexes": []}
            with patch.multiple(model._meta, **none):
                editor.create_model(model)
        for field in fields:
            field.null = False
    complete(connection.connection)


def answer(asked: Request, of: Callable[..., Iterable[bytes]] | None = None) -> Answer:
    """Return what the application answers."""
    application()
    headers = {}
    for name, text in asked.headers.items():
        key = name.upper().replace("-", "_")
        headers[key if name.startswith("content-") else f"HTTP_{key}"] = text
    environ = {
        "REQUEST_METHOD": asked.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": asked.path,
        "QUERY_STRING": asked.query,
        "REMOTE_ADDR": asked.peer,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": asked.body,
        **headers,
    }
    begun: list[Any] = []
    content = (of or application())(environ, lambda *begin: begun.append(begin))
    body = b"".join(content)
    if close := getattr(content, "close", None):
        close()
    status, given = begun[0]
    return Answer(int(status[:3]), [(name.lower(), text) for name, text in given], body)


def crowded(asked: Request) -> Answer | None:
    """Return the answer to a request that comes while another is all that may be in progress."""
    from config import recycling

    application()
    answers: list[Answer] = []
    with variables(MAX_CONCURRENT_REQUESTS="1"):
        crowd = build()

        def meanwhile() -> None:
            if len(answers) < 1:
                answers.append(Answer(0, [], b""))  # this one is on its way
                answers[0] = answer(asked, crowd)

        with patch.object(recycling, "count", meanwhile):
            answer(asked, crowd)
    return answers[0] if answers else None


def plant() -> None:
    """Add `GET /planted/closed`, and `GET /planted/stored/{status}`, which stores a user first."""
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    from accounts.models import User

    def closed(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    def stored(request: HttpRequest, status: int) -> HttpResponse:
        User.objects.create(email=f"{status}@stored.example", password="")
        return HttpResponse(status=status)

    from config import urls

    urls.urlpatterns += [
        path("planted/closed", closed),
        path("planted/stored/<int:status>", stored),
    ]


def failing_commit() -> Any:
    """Return a context in which the database refuses to commit."""
    from django.db import OperationalError, connection

    return patch.object(connection, "_commit", side_effect=OperationalError)


def make_user(email: str, password: str, **columns: object) -> None:
    """Store a user; the password is its hash."""
    from accounts.models import User

    application()
    User.objects.create(email=email, password=password, **columns)


def column(email: str, name: str) -> Any:
    """Return a column of a user, None where there is no such user."""
    from accounts.models import User

    application()
    return User.objects.filter(email=email).values_list(name, flat=True).first()


def set_columns(email: str, **columns: object) -> None:
    """Change columns of a user, and nothing else."""
    from accounts.models import User

    User.objects.filter(email=email).update(**columns)


def hash_of(password: str) -> str:
    """Return the hash that the service keeps of a password."""
    application()
    from django.contrib.auth.hashers import make_password

    return make_password(password)


def weak_hash() -> str:
    """Return a hash of `PASSWORD` with less work in it."""
    from argon2 import PasswordHasher

    return "argon2" + PasswordHasher(1, 8, 1).hash(PASSWORD)


def _user(email: str) -> Any:
    from accounts.models import User

    return User.objects.get(email=email)


def deactivate(actor: str, email: str) -> None:
    """Have one user shut another one out."""
    from accounts import services

    services.set_active(actor=_user(actor), user=_user(email), is_active=False)


def give_roles(actor: str, email: str, roles: list[str]) -> None:
    """Have one user give another one roles, and take all others."""
    from accounts import services

    services.replace_roles(actor=_user(actor), user=_user(email), roles=roles)


def first_superuser() -> None:
    """Run the command that makes one."""
    from django.core.management import call_command

    application()
    call_command("createfirstsuperuser")


def connections() -> dict[str, Any]:
    """Return what bounds connections: `pool`, `wait`, and libpq's parameters; Redis's options."""
    application()
    from django.core.cache import caches

    options = DATABASE["OPTIONS"]
    pool = options.get("pool") or {}
    store: Any = caches["default"]
    cache = store._cache.get_client().connection_pool
    return {
        "pool": pool.get("max_size"),
        "wait": pool.get("timeout"),
        "parameters": options,
        "redis": {**cache.connection_kwargs, "max_connections": cache.max_connections},
    }


def _worker(arbiter: Any) -> Any:
    made = arbiter.worker_class(1, os.getppid(), [], arbiter.app, 30, arbiter.cfg, arbiter.log)
    made.tpool = MagicMock()
    return made


class _Connection:
    """A client that sends nothing."""

    def __init__(self) -> None:
        self.sock = MagicMock(spec=socket.socket)
        self.timeout = time.monotonic() + 3600

    @property
    def was_cut(self) -> bool:
        return bool(self.sock.shutdown.called)


def _later(worker: Any, seconds: float) -> None:
    """Let the server look after its clients in so many seconds."""
    now = time.monotonic()
    with patch("time.monotonic", lambda: now + seconds):
        worker.murder_pending()


def slow_head(arbiter: Any) -> None:
    """Raise `AssertionError` if a client may take its time for headers, or send any number."""
    worker, client = _worker(arbiter), _Connection()
    worker.pending_conns = deque()
    worker.enqueue_req(client)
    _later(worker, 60)
    need(client.was_cut, "A client that sends no headers for a minute is not cut.")
    for name in ("limit_request_line", "limit_request_fields", "limit_request_field_size"):
        need(0 < arbiter.cfg.settings[name].get() <= 2**16, f"{name} of the server is no bound.")


def slow_body(arbiter: Any) -> None:
    """Raise `AssertionError` if a client may take its time for a body."""
    from gunicorn.workers.gthread import ThreadWorker

    worker, client = _worker(arbiter), _Connection()
    worker.pending_conns = deque()
    waiting = SimpleNamespace(body=SimpleNamespace(read=lambda _=None: _later(worker, 60)))
    with patch.object(ThreadWorker, "handle_request", lambda _self, asked, _: asked.body.read(1)):
        worker.handle_request(waiting, client)
    need(client.was_cut, "A client whose body does not come for a minute is not cut.")


def server_header(arbiter: Any) -> str:
    """Return the line of the server's own headers that names it, or ""."""
    from gunicorn.http import wsgi

    _worker(arbiter)
    asked = MagicMock(version=(1, 1))
    lines = wsgi.Response(asked, MagicMock(), arbiter.cfg).default_headers()
    return next((line for line in lines if line.lower().startswith("server:")), "")


def admin() -> None:
    """Raise `AssertionError` if the admin is served where it must not be."""
    from config.environment import Environment

    place = f"/{ADMIN_PATH}/"
    need(ask("GET", place, client=OUTSIDE).status == 404, "The admin is there for everybody.")
    need(ask("GET", place, client=INSIDE).status in {200, 302}, "The admin is nowhere.")
    with variables(ADMIN_PATH="", ADMIN_NETWORKS=""):
        need(Environment().admin_path == "", "Production has an admin nobody asked for.")
    with variables(ADMIN_NETWORKS=""), refused(ValueError, "The admin may be open to everybody."):
        Environment()
    with variables(ADMIN_PATH="admin"), refused(ValueError, "The admin may be where all look."):
        Environment()


@checks("PS-022")
def _loads_nothing_late() -> None:
    import runpy

    from django.db import connection
    from rest_framework.fields import SerializerMethodField

    with variables(ENVIRONMENT="development", ADMIN_PATH=""):
        module: Any = runpy.run_path(str(ROOT / "src" / "config" / "serializers.py"))

    def load(*_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    parts = {"late": SerializerMethodField(), "get_late": load}
    serializer = type("Late", (module["Serializer"],), parts)(SimpleNamespace())
    with refused(module["LazyLoadError"], "An answer may run queries while it is serialised."):
        _ = serializer.data
