"""The checks of what the service does, in the order of their ids; see `hardenings.toml`.

Each raises `AssertionError` with a sentence. What a team added or renamed is not looked at.
"""

import base64
import json
import os
import re
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, patch

from dev.doctor import files, framework
from dev.doctor.service import (
    CHECKS,
    HOST,
    INSIDE,
    OUTSIDE,
    PASSWORD,
    ROOT,
    SURROUNDINGS,
    Answer,
    ask,
    checks,
    log_in,
    need,
    refused,
    request,
    somebody,
    variables,
)

if find_spec("dev.doctor.published"):
    import_module("dev.doctor.published")

__all__ = ["CHECKS", "files"]

REGISTER, LOGIN = "/api/v1/auth/register", "/api/v1/auth/token"
ME, SOMEBODY = "/api/v1/users/me", "/api/v1/users/00000000-0000-4000-8000-000000000000"
UNSAFE = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "insecure-planted",
    "DATABASE_URL": "mysql://planted",
    "LOG_LEVEL": "planted",
}
FAULTY = {"SECRET_KEY", "JWT_SIGNING_KEY", "ALLOWED_HOSTS", "CORS_ALLOWED_ORIGINS"}
FAULTY |= {"DATABASE_URL", "REDIS_URL", "LOG_LEVEL"}
HEADERS = {
    "content-security-policy",
    "cross-origin-opener-policy",
    "permissions-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
}


@checks("PS-001")
def _settings_are_refused() -> None:
    starts = [["src/entrypoint.py", role] for role in ("web", "migrate", "manage")]
    for command in (*starts, ["manage.py", "check"]):
        code, told = _start(command, UNSAFE)
        name = " ".join(command)
        need(code == 78, f"`{name}` with unsafe settings ends with {code} and not 78.")
        missing = {each for each in FAULTY if each not in told}
        need(not missing, f"`{name}` does not say what is wrong with {', '.join(sorted(missing))}.")
        need("planted" not in told, f"`{name}` shows values of settings that it refuses.")


def _start(command: list[str], environ: dict[str, str]) -> tuple[int, str]:
    """Run a file of the service in a copy of this process; return its exit code and its words."""
    import runpy

    with tempfile.TemporaryFile() as told:
        if not (child := os.fork()):
            os.dup2(told.fileno(), 1)
            os.dup2(told.fileno(), 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            sys.argv = command
            for name in SURROUNDINGS:
                os.environ.pop(name, None)
            code: object = 1
            with suppress(Exception), variables(**environ, BOOT_ATTEMPTS="1"):
                try:
                    runpy.run_path(command[0], run_name="__main__")
                except SystemExit as end:
                    code = end.code
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code if isinstance(code, int) else 1)
        try:
            _, status = os.waitpid(child, 0)
        except TimeoutError:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
        told.seek(0)
        return os.waitstatus_to_exitcode(status), told.read().decode(errors="replace")


@checks("PS-002")
def _secrets_come_from_files() -> None:
    from pydantic import SecretStr

    from config.environment import Environment

    fields = Environment.model_fields.items()
    wanted = [name for name, field in fields if "SecretStr" in str(field.annotation)]
    need({"secret_key", "jwt_signing_key", "database_url"} <= {*wanted}, "There are no secrets.")
    for name in wanted:
        if name.endswith("_fallbacks"):
            continue
        value = SURROUNDINGS.get(name.upper(), secrets.token_urlsafe(64))
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(f"{value}\n")
            file.flush()
            given = {name.upper(): "", f"{name.upper()}_FILE": file.name}
            with variables(SUPERUSER_EMAIL=f"root@{HOST}" * ("superuser" in name), **given):
                found = getattr(Environment(), name)
        read = found.get_secret_value() if isinstance(found, SecretStr) else found
        need(read == value, f"{name.upper()} cannot come from a file.")


@checks("PS-003")
def _the_banner_has_no_secret() -> None:
    from structlog.testing import capture_logs

    from config import startup
    from config.environment import load

    with variables(), capture_logs() as logged:
        startup.announce(load())
    told = str(logged)
    need("127.0.0.1" in told, "The line of the start does not say where the servers are.")
    hidden = [value for value in SURROUNDINGS.values() if len(value) > 60]
    hidden += re.findall(r":([\w-]{20,})@", " ".join(SURROUNDINGS.values()))
    need(not any(value in told for value in hidden), "The line of the start shows a secret.")


@checks("PS-004")
def _the_embedded_database_is_refused() -> None:
    from config import postgres
    from config.environment import ConfigurationError, load

    written = (ROOT / "dev" / "servers.py").read_text()
    found = re.search(r'cluster_name: str = "(\w[\w-]*)"', written)
    need(found, "The embedded server has no name by which it can be known.")
    with patch("psycopg.connect", _server("production")):
        postgres.verify(load())
    embedded = patch("psycopg.connect", _server(found[1] if found else ""))
    with embedded, refused(ConfigurationError, "Production takes the embedded database."):
        postgres.verify(load())


def _server(cluster: str) -> MagicMock:
    """Return a stand-in for psycopg's `connect`, to a server of this name."""
    shown = {"server_encoding": "UTF8", "cluster_name": cluster, "max_connections": "100"}
    server = MagicMock()
    connection = server.return_value.__enter__.return_value
    connection.info.server_version = 180_000
    connection.execute = lambda query: SimpleNamespace(
        fetchone=lambda: (next((shown[name] for name in shown if name in query), "3"),)
    )
    return server


@checks("PS-005")
def _tests_want_a_database_for_tests() -> None:
    from config.environment import Environment

    address = SURROUNDINGS["DATABASE_URL"]
    with variables(ENVIRONMENT="test", DATABASE_URL=f"{address}_test"):
        Environment()
    sentence = "Tests take a database that is not named as one for them."
    with variables(ENVIRONMENT="test"), refused(ValueError, sentence):
        Environment()


@checks("PS-006")
def _foreign_hosts_are_refused() -> None:
    need(ask("GET", "/").status == 200, "The service does not answer at all.")
    foreign = ask("GET", "/", headers={"host": "foreign.example"})
    need(foreign.status == 400, f"A request for a foreign host is answered {foreign.status}.")
    probe = ask("GET", "/live", headers={"host": "10.0.0.7"}, scheme="http")
    need(probe.status == 200, "A probe that asks by address is refused.")


@checks("PS-007")
def _surplus_is_refused() -> None:
    found = framework.crowded(request("GET", "/"))
    need(found, "Nothing counts the requests in progress.")
    need(found and found.status == 503, "One request more than are let in is let in.")
    need(found and found.header("retry-after"), "Who is refused does not hear when to come again.")
    settings = _arbiter().cfg.settings
    threads = settings["threads"].get()
    need(threads == 1 or threads > 64, "The server has no threads left for probes and refusals.")


def _arbiter() -> Any:
    """Return an arbiter as the server would run it, with the server's settings in it."""
    from gunicorn.arbiter import Arbiter

    from config import server
    from config.environment import load

    framework.application()
    made: list[Any] = []
    with patch.object(Arbiter, "run", lambda arbiter: made.append(arbiter)):
        server.Server(load()).run()
    return made[0]


@checks("PS-008")
def _it_drains() -> None:
    import entrypoint
    from config.environment import load

    seen: list[tuple[str, float]] = []

    class Child:
        """Stands for the server's process."""

        process = SimpleNamespace(returncode=0)

        def __init__(self, _: object, environ: dict[str, str]) -> None:
            self._told = int(environ["SUPERVISOR_FD"])
            self._begun, self._ended = time.monotonic(), False
            os.kill(os.getpid(), signal.SIGTERM)

        def ended(self) -> bool:
            return self._ended

        def send(self, which: signal.Signals, **_: object) -> None:
            draining = "draining" if select.select([self._told], [], [], 0)[0] else "not draining"
            seen.append((f"{which.name}, {draining}", time.monotonic() - self._begun))
            self._ended = True

    kept = {each: signal.getsignal(each) for each in (*entrypoint.STOP_SIGNALS, signal.SIGCHLD)}
    signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with variables(DRAIN_SECONDS="0.2"), patch.object(entrypoint, "Child", Child):
            code = entrypoint.supervise(load(), 1)
    finally:
        for each, handler in kept.items():
            signal.signal(each, handler)
    told, after = seen[0]
    need(told == "SIGTERM, draining", "The server is stopped before it says that it is draining.")
    need(after >= 0.2, "The server is stopped before DRAIN_SECONDS are over.")
    need(code == 0, f"A stop in good order ends with {code}.")
    reader, writer = os.pipe()
    with variables(SUPERVISOR_FD=str(reader)):
        _readiness("up")
        os.write(writer, b"1")
        _readiness("draining")
    cfg = _arbiter().cfg
    need(cfg.graceful_timeout == load().shutdown_timeout, "Running requests are not waited for.")


def _readiness(wanted: str) -> None:
    found = ask("GET", "/ready")
    state = found.json.get("checks", {}).get("process")
    need(found.status == 503, f"/ready is {found.status} without a database.")
    need(state == wanted, f"/ready says that the process is {state} where it is {wanted}.")


@checks("PS-009")
def _connections_are_bounded() -> None:
    from config.environment import load
    from health import checks as health

    found = framework.connections()
    need(found["pool"] == load().database_pool_max, "The pool of the database has no bound.")
    need(0 < (found["wait"] or 0) <= 30, "Requests wait for a connection without an end.")
    given = found["parameters"]
    need(0 < int(given.get("connect_timeout", 0)) <= 30, "To connect may take for ever.")
    for name in ("statement", "lock", "idle_in_transaction_session"):
        limit = re.search(rf"-c {name}_timeout=([1-9]\d*)", given.get("options", ""))
        need(limit, f"The database's {name}_timeout is not set.")
    for name in ("socket_timeout", "socket_connect_timeout"):
        seconds = found["redis"].get(name)
        need(seconds and seconds <= load().redis_timeout, f"Redis has no {name}.")
    need(0 < found["redis"]["max_connections"] < 10_000, "The pool of Redis has no bound.")
    need(health.EXAMINE_SECONDS <= 5, "The probes wait too long for a server.")
    hanging = threading.Event()
    with patch.object(health, "EXAMINE_SECONDS", 0.1):
        begun = time.monotonic()
        report = health.Monitor({"planted": lambda: {"planted": str(hanging.wait(5))}}).report()
        waited = time.monotonic() - begun
    hanging.set()
    need(waited < 4 and report.checks == {"planted": "down"}, "A server that hangs hangs a probe.")


@checks("PS-010")
def _request_ids_are_sane() -> None:
    for path in ("/", "/live"):
        sane = ask("GET", path, headers={"x-request-id": "planted-1"}).header("x-request-id")
        need(sane == "planted-1", f"{path} does not keep the id of a request.")
        for bad in ("x" * 129, "planted id", "planted\x1b[0m", '"planted"'):
            told = ask("GET", path, headers={"x-request-id": bad}).header("x-request-id")
            need(told and told != bad, f"{path} takes any text for the id of a request.")


@checks("PS-013")
def _successors_come_first() -> None:
    arbiter = _arbiter()
    need(arbiter.cfg.max_requests == 0, "The server ends worn workers before others started.")
    events: list[object] = []
    workers = {
        pid: SimpleNamespace(pid=pid, age=pid, wear=SimpleNamespace(is_worn=pid == 2))
        for pid in (1, 2)
    }

    def spawn() -> None:
        events.append("a successor starts")
        workers[3] = SimpleNamespace(pid=3, age=3, wear=SimpleNamespace(is_worn=False))

    arbiter.num_workers = len(workers)
    arbiter.WORKERS, arbiter.spawn_worker = workers, spawn
    arbiter.kill_worker = lambda pid, _: events.append(pid)
    arbiter.manage_workers()
    need(events == ["a successor starts", 2], f"A worn worker is replaced otherwise: {events}.")
    limit = 3
    with variables(MAX_REQUESTS=str(limit)):
        from config import recycling

        wear = recycling.Wear()
        for _ in range(limit * 2):
            wear.count()
    need(wear.is_worn, "Workers are never worn.")


@checks("PS-014")
def _slow_clients_are_cut() -> None:
    framework.slow_head(_arbiter())


@lru_cache(maxsize=1)
def _plant() -> None:
    framework.application()
    framework.plant()
    with suppress(ModuleNotFoundError):
        from access import public

        public.ROUTES.add("GET /planted/stored/{status}")
    with variables():
        pass


@checks("PS-015")
def _a_request_is_one_transaction() -> None:
    _plant()
    for status, stores in ((200, True), (409, False)):
        found = ask("GET", f"/planted/stored/{status}")
        need(found.status == status, f"An answer of {status} becomes one of {found.status}.")
        stored = framework.column(f"{status}@stored.example", "email")
        what = "what it should not" if stored else "nothing"
        need(bool(stored) == stores, f"An answer of {status} stores {what}.")
    with framework.failing_commit():
        found = ask("GET", "/planted/stored/202")
    need(found.status == 503, f"A commit that fails is answered {found.status}.")


@checks("PS-016")
def _bodies_are_bounded() -> None:
    deep = b"[" * 33 + b"]" * 33
    faults = {
        "that is no JSON": (b"{", 400),
        "in JSON 33 levels deep": (deep, 400),
        "of 5,001 values": (b"[" + b"0," * 5_000 + b"0]", 400),
        "of numbers that JSON has not": (b"[NaN]", 400),
        "of more than 1 MiB": (b'"' + b"x" * 2**20 + b'"', 413),
        "in JSON 32 levels deep": (deep[1:-1], 422),
    }
    for what, (body, status) in faults.items():
        found = ask("POST", REGISTER, body).status
        need(found == status, f"A body {what} is answered {found} and not {status}.")
    kind = {"content-type": "text/plain"}
    found = ask("POST", REGISTER, b"{}", headers=kind).status
    need(found in {415, 422}, f"A body that is not called JSON is answered {found}.")
    endless = request("POST", REGISTER, b"[" * 2**23, headers={"transfer-encoding": "chunked"})
    del endless.headers["content-length"]
    need(framework.answer(endless).status == 413, "A body of unknown length has no bound.")
    need(endless.body.taken <= 2**21, "A body that is too large is read to its end.")


@checks("PS-017")
def _what_is_unknown_is_refused() -> None:
    from pydantic import ValidationError

    from config import pagination

    body = {"email": f"new@{HOST}", "password": PASSWORD, "is_superuser": True, "planted": 1}
    found = ask("POST", REGISTER, body)
    need(found.status == 422, f"A body with an unknown field is answered {found.status}.")
    for name in ("is_superuser", "planted"):
        need(f"/{name}" in found.body.decode(), f"The field {name} is ignored and not refused.")
    for query in (pagination.PageQuery, pagination.CursorQuery, pagination.OffsetQuery):
        with refused(ValidationError, "Lists ignore unknown parameters."):
            query.model_validate({"planted": "1"})


@checks("PS-018")
def _passwords_are_hashed_well() -> None:
    hashed = framework.hash_of(PASSWORD)
    cost = re.search(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$", hashed)
    need(cost, "Passwords are not hashed with Argon2id.")
    work = int(cost[1]) * int(cost[2]) if cost else 0
    need(work >= 2 * 19 * 1024, "The hashes of passwords are too little work.")
    somebody_weak = somebody()
    framework.set_columns(somebody_weak.email, password=framework.weak_hash())
    log_in(somebody_weak.email)
    renewed = framework.column(somebody_weak.email, "password")
    need(cost and cost[0] in renewed, "A weak hash is not renewed at the login.")
    told, spent = [], []
    for email in (somebody_weak.email, f"nobody@{HOST}"):
        wrong = {"email": email, "password": f"{PASSWORD}!"}
        begun = time.process_time()
        answer = ask("POST", LOGIN, wrong, headers={"x-request-id": "planted"})
        spent.append(time.process_time() - begun)
        told.append((answer.status, answer.body))
    need(told[0] == told[1], "A login tells unknown addresses from wrong passwords.")
    need(spent[1] > spent[0] / 3, "A login with an unknown address is faster than others.")


@checks("PS-019")
def _tokens_are_pinned() -> None:
    import jwt

    signed: list[tuple[dict[str, Any], Any, dict[str, Any]]] = []
    real = jwt.encode

    def noted(claims: dict[str, Any], key: Any, *rest: Any, **more: Any) -> str:
        signed.append((claims, key, more.get("headers") or {}))
        return real(claims, key, *rest, **more)

    with patch.object(jwt, "encode", noted):
        person = somebody()
    need(person.is_known, "A fresh access token lets nobody in.")
    claims, key, headers = next(each for each in signed if each[2].get("typ") == "at+jwt")
    lifetime = (claims["exp"] - claims["iat"]).total_seconds()
    need(lifetime == 300, f"Access tokens live {lifetime:.0f} seconds and not 300.")
    forged: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
        "another audience": ({"aud": "planted"}, {}, "HS256"),
        "another issuer": ({"iss": "planted"}, {}, "HS256"),
        "another type": ({}, {"typ": "JWT"}, "HS256"),
        "another key id": ({}, {"kid": "planted"}, "HS256"),
        "another algorithm": ({}, {}, "HS512"),
        "no algorithm": ({}, {}, "none"),
        "an end that is over": ({"exp": 1}, {}, "HS256"),
    }
    for what, (said, head, algorithm) in forged.items():
        secret = None if algorithm == "none" else key
        token = real(claims | said, secret, algorithm=algorithm, headers=headers | head)
        found = ask("GET", ME, token=token).status
        need(found == 401, f"A token with {what} is answered {found} and not 401.")
    framework.set_columns(person.email, is_active=False)
    need(not person.is_known, "The user of a token is not looked up at each request.")


@checks("PS-020")
def _answers_are_not_cached() -> None:
    for answer in (ask("GET", ME), ask("GET", ME, token=somebody().access)):
        kept = answer.header("cache-control")
        need(answer.status in {200, 401}, f"{ME} is answered {answer.status}.")
        need(kept == "no-store", f"An answer of {answer.status} below /api/v1/ may be cached.")


@checks("PS-021")
def _lists_are_bounded() -> None:
    from pydantic import ValidationError

    from config import pagination
    from config.errors import ValidationFailedError

    cursor = pagination.Cursor(("planted", "1"))
    text = pagination.encode(cursor, scope="one")
    need(pagination.decode(text, scope="one") == cursor, "A cursor is refused by its own list.")
    with refused(ValidationFailedError, "A cursor is good for another list, too."):
        pagination.decode(text, scope="other")
    for place in (0, len(text) // 2):
        altered = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with refused(ValidationFailedError, "An altered cursor is taken."):
            pagination.decode(altered, scope="one")
    sentence = "Cursors are not signed with SECRET_KEY."
    with variables(SECRET_KEY=secrets.token_urlsafe(64)), refused(ValidationFailedError, sentence):
        pagination.decode(text, scope="one")
    with refused(ValidationError, "A list may skip more than 10,000 rows."):
        pagination.OffsetQuery.model_validate({"offset": "10001"})
    query = pagination.PageQuery.model_validate({"page": "10000", "page_size": "100"})
    need(query.offset <= 10_000, "A list may skip more than 10,000 rows.")
    need(pagination.FURTHEST <= 10_000, "A list may count more than 10,000 rows.")


@checks("PS-023")
def _dangerous_migrations_are_found() -> None:
    from dev import migration_lint

    dangers = {
        "drops a table": "DROP TABLE planted;",
        "drops a column": "ALTER TABLE planted DROP COLUMN a;",
        "renames a column": "ALTER TABLE planted RENAME COLUMN a TO b;",
        "changes a column's type": "ALTER TABLE planted ALTER COLUMN a TYPE bigint;",
        "locks a table for an index": "CREATE INDEX a_idx ON planted (a);",
        "adds a column that nobody fills": "ALTER TABLE planted ADD COLUMN a int NOT NULL;",
        "checks all rows": "ALTER TABLE planted ADD FOREIGN KEY (a) REFERENCES b (id);",
    }
    for what, sql in dangers.items():
        need(migration_lint.dangers(sql), f"A migration that {what} is not found.")
    need(not migration_lint.dangers("CREATE TABLE planted (id int);"), "All migrations are found.")
    recipe = files.recipe("migrations-check")
    need("migration_lint.py" in recipe, "`make migrations-check` does not look for dangers.")
    need("migrations-check" in files.stages(), "The pipeline does not look at migrations.")


@checks("PS-024")
def _routes_ask_for_a_token() -> None:
    _plant()
    found = ask("GET", "/planted/closed").status
    need(found == 401, f"A route that is not on the list of public ones is answered {found}.")
    need(ask("GET", ME).status == 401, "A route of the service itself asks for no token.")
    from access import public

    with variables(), patch.object(public, "ROUTES", {*public.ROUTES, "GET /planted/closed"}):
        listed = ask("GET", "/planted/closed").status
    need(listed == 200, "The list of public routes opens none.")


@checks("PS-025")
def _refresh_tokens_work_once() -> None:
    person = somebody()
    renewed = _refreshed(person.refresh)
    need(renewed.status == 200, f"A refresh token is answered {renewed.status}.")
    need(_refreshed(person.refresh).status == 401, "A refresh token works twice.")
    again = ask("GET", ME, token=renewed.json["access_token"]).status
    need(again == 401, "A refresh token that came twice does not end the login.")
    need(_refreshed(renewed.json["refresh_token"]).status == 401, "Its successor works on.")
    other = log_in(person.email)
    ask("POST", f"{LOGIN}/revoke", {"refresh_token": other.refresh})
    need(not other.is_known, "A logout does not end the login.")


def _refreshed(token: str) -> Answer:
    return ask("POST", f"{LOGIN}/refresh", {"refresh_token": token})


@checks("PS-026")
def _changes_end_logins() -> None:
    admin = somebody(is_staff=True)
    person = somebody()
    new = {"current_password": PASSWORD, "new_password": PASSWORD[::-1]}
    changed = ask("POST", "/api/v1/auth/password", new, token=person.access).status
    need(changed == 204, f"A change of the password is answered {changed}.")
    need(not person.is_known, "A new password leaves tokens good.")
    need(_refreshed(person.refresh).status == 401, "A new password leaves refresh tokens good.")
    person = log_in(person.email, PASSWORD[::-1])
    framework.deactivate(admin.email, person.email)
    framework.set_columns(person.email, is_active=True)
    need(not person.is_known, "Who is shut out and let in again has the old tokens.")
    person = log_in(person.email, PASSWORD[::-1])
    framework.give_roles(admin.email, person.email, ["support"])
    need(person.is_known, "A new role ends logins.")
    framework.give_roles(admin.email, person.email, [])
    need(not person.is_known, "The loss of a role leaves tokens good.")


@checks("PS-027")
def _rights_come_from_the_database() -> None:
    from config.errors import ForbiddenError

    admin, superuser = somebody(is_staff=True), somebody(is_superuser=True)
    person = somebody()
    said = person.access.split(".")[1]
    claims = base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)).decode()
    need(not re.search("role|staff|super|perm|scope", claims), "A token tells of rights.")
    place = SOMEBODY.rpartition("/")[0] + f"/{framework.column(person.email, 'id')}"
    before = ask("GET", place, token=person.access, client=INSIDE).status
    need(before == 403, f"Who has no role is answered {before} and not 403.")
    framework.give_roles(admin.email, person.email, ["support"])
    after = ask("GET", place, token=person.access, client=INSIDE).status
    need(after not in {401, 403}, "A new role counts only after the next login.")
    with refused(ForbiddenError, "An admin may shut out a superuser."):
        framework.deactivate(admin.email, superuser.email)
    with refused(ForbiddenError, "An admin may take roles from a superuser."):
        framework.give_roles(admin.email, superuser.email, [])


@checks("PS-028")
def _admin_routes_are_fenced() -> None:
    outside = ask("GET", SOMEBODY, client=OUTSIDE).status
    need(outside == 404, f"A route about others is answered {outside} outside ADMIN_NETWORKS.")
    inside = ask("GET", SOMEBODY, client=INSIDE).status
    need(inside == 401, f"A route about others is answered {inside} inside ADMIN_NETWORKS.")
    framework.admin()


@checks("PS-029")
def _requests_are_throttled() -> None:
    client = "203.0.113.8"
    policy = ask("GET", "/", client=client).header("ratelimit-policy")
    quota = re.search(r"q=(\d+);w=(\d+)", policy)
    need(quota and int(quota[1]) * 3600 <= 1000 * int(quota[2]), "Strangers have no throttle.")
    answers = [ask("POST", LOGIN, {}, client=client) for _ in range(6)]
    need(answers[0].status == 422, f"The first login is answered {answers[0].status}.")
    need(answers[5].status == 429, "Logins of one address have no throttle.")
    need(answers[5].header("retry-after"), "Who is throttled does not hear when to come again.")
    other = ask("POST", LOGIN, {}, client="203.0.113.9").status
    need(other == 422, "One address is throttled for another one.")
    mine = ask("GET", ME, token=somebody().access).header("ratelimit-policy")
    need("user" in mine, "Users are throttled as strangers are.")


@checks("PS-030")
def _only_proxies_are_believed() -> None:
    from access import networks

    stranger = "203.0.113.66"
    need(ask("GET", "/").status == 200, "A trusted proxy is not believed.")
    with variables(HTTPS_REDIRECT="true"):
        found = ask("GET", "/", peer=stranger).status
    need(found in {301, 308}, "Anybody is believed who says that they came by https.")
    found = ask("GET", SOMEBODY, peer=stranger, client=INSIDE).status
    need(found != 401, "Anybody is believed who says where they come from.")
    told = networks.client_of(stranger, [INSIDE], "https")
    need(told == (stranger, False), "Anybody is believed who says that they are a proxy.")
    told = networks.client_of("192.0.2.1", [f"{INSIDE}, {stranger}"], "https")
    need(told == (stranger, True), "What stands before the last stranger is believed.")


@checks("PS-031")
def _http_goes_to_https() -> None:
    for method, status in (("GET", 301), ("POST", 308)):
        found = ask(method, "/planted?a=1", scheme="http", body=None)
        need(found.status == status, f"{method} by http is answered {found.status}.")
        place = found.header("location")
        need(place == f"https://{HOST}/planted?a=1", "What came by http is sent elsewhere.")
    stay = ask("GET", "/").header("strict-transport-security")
    found_age = re.match(r"max-age=(\d+)", stay)
    need(found_age and int(found_age[1]) >= 86_400, "Browsers are not told to stay with https.")


@checks("PS-032")
def _headers_stand_once() -> None:
    samples = {
        "an answer": ask("GET", "/"),
        "a probe": ask("GET", "/live"),
        "a redirect": ask("GET", "/", scheme="http"),
        "an unknown page": ask("GET", "/planted/nowhere", token=somebody().access),
        "a foreign host": ask("GET", "/", headers={"host": "foreign.example"}),
        "a stranger": ask("GET", ME),
        "a wrong method": ask("DELETE", "/live"),
        "broken JSON": ask("POST", REGISTER, b"{"),
    }
    for what, answer in samples.items():
        names = [name for name, _ in answer.headers]
        wrong = sorted(name for name in HEADERS if names.count(name) != 1)
        need(not wrong, f"For {what} these stand not exactly once: {', '.join(wrong)}.")
        named = {"server", "x-powered-by"} & {*names}
        need(not named, f"For {what} the server is named.")
    told = framework.server_header(_arbiter())
    need(not told, f"The server sends `{told}`.")


@checks("PS-033")
def _keys_are_rotated() -> None:
    from config import pagination
    from config.errors import ValidationFailedError

    person = somebody()
    cursor = pagination.encode(pagination.Cursor(("planted",)), scope="one")
    new = {"JWT_SIGNING_KEY": secrets.token_urlsafe(64), "SECRET_KEY": secrets.token_urlsafe(64)}
    with variables(**new):
        need(not person.is_known, "Tokens of a former key are good for ever.")
        with refused(ValidationFailedError, "Cursors of a former key are good for ever."):
            pagination.decode(cursor, scope="one")
    former = {f"{name}_FALLBACKS": SURROUNDINGS[name] for name in new}
    with variables(**new, **former):
        need(person.is_known, "A new JWT_SIGNING_KEY logs everybody out.")
        with suppress(ValidationFailedError):
            need(pagination.decode(cursor, scope="one"), "")
            fresh = log_in(person.email)
            need(fresh.is_known, "A new JWT_SIGNING_KEY makes no good tokens.")
            signer = fresh.access.partition(".")[0], person.access.partition(".")[0]
            need(signer[0] != signer[1], "A new JWT_SIGNING_KEY signs nothing.")
            return
    raise AssertionError("A new SECRET_KEY makes all cursors bad.")


@checks("PS-034")
def _metrics_are_closed() -> None:
    from observability import metrics

    token = secrets.token_urlsafe(48)
    need(ask("GET", "/metrics").status == 401, "Anybody may read /metrics in production.")
    with variables(METRICS_TOKEN=token):
        need(ask("GET", "/metrics", token=token).status == 200, "METRICS_TOKEN opens nothing.")
        need(ask("GET", "/metrics", token=token[1:]).status == 401, "Any token opens /metrics.")
        counts = []
        for turn in range(3):
            for method, path in (("GET", f"/planted/{turn}"), (f"PLANTED{turn}", "/")):
                ask(method, path, headers={"x-request-id": f"planted-{turn}"})
            counts.append(len(metrics.scrape()[0].splitlines()))
    need(counts[1] == counts[2], "What callers invent makes new series of metrics.")


@checks("PS-035")
def _the_first_superuser_is_somebodys() -> None:
    email, strong = f"first@{HOST}", secrets.token_urlsafe(24)
    for given in ({}, {"SUPERUSER_EMAIL": email, "SUPERUSER_PASSWORD": "insecure-1"}):
        with variables(**given), suppress(Exception):
            framework.first_superuser()
        made = framework.column(email, "email")
        need(not made, "The first superuser may have a password that is not good enough.")
    with variables(SUPERUSER_EMAIL=email, SUPERUSER_PASSWORD=strong):
        framework.first_superuser()
    need(framework.column(email, "is_superuser"), "The command makes no superuser.")


@checks("PS-036")
def _known_vulnerabilities_fail() -> None:
    waiver = '[[waiver]]\nid = "CVE-2000-0001"\nreason = "planted"\nexpires = {}\n'
    need(_audit("") != 0, "A known vulnerability passes.")
    need(_audit(waiver.format("9999-12-31")) == 0, "A waiver waives nothing.")
    need(_audit(waiver.format("2000-01-01")) != 0, "A waiver does not expire.")
    without = waiver.replace("planted", "").format("9999-12-31")
    need(_audit(without) != 0, "A waiver needs no reason.")
    need("audit.py" in files.recipe("audit"), "`make audit` asks for no vulnerabilities.")
    need("audit" in files.stages(), "The pipeline does not look for known vulnerabilities.")


def _audit(waivers: str) -> int:
    """Return what the audit ends with where one vulnerability is known, and waived so."""
    known = {"name": "planted", "version": "1", "vulns": [_VULNERABILITY]}
    told = json.dumps({"dependencies": [known]})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "dev").mkdir()
        for path in (ROOT / "dev").glob("*.py"):
            (folder / "dev" / path.name).write_bytes(path.read_bytes())
        (folder / "audit-waivers.toml").write_text(waivers)
        (folder / "pip_audit.py").write_text(f"print({told!r})\n")
        script = folder / "dev" / "audit.py"
        need(script.is_file(), "There is no dev/audit.py.")
        environ = {**os.environ, "PYTHONPATH": name, "UV": "true"}
        done = subprocess.run([sys.executable, str(script)], env=environ, capture_output=True)
    return done.returncode


_VULNERABILITY = {"id": "CVE-2000-0001", "aliases": [], "fix_versions": []}


@checks("PS-043")
def _slow_bodies_are_cut() -> None:
    framework.slow_body(_arbiter())
