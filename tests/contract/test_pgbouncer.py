"""The service behind a PgBouncer in transaction mode, where no two statements share a session."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.conftest import Start
from tests.contract.test_http import assert_is_problem
from tests.harness.load import Load
from tests.harness.pgbouncer import PgBouncer
from tests.harness.projects import Project
from tests.harness.roles import Role, complete_environment, new_client
from tests.harness.servers import Servers

pytestmark = pytest.mark.full

DONE, UNAVAILABLE, REFUSED = 0, 69, 78
POOL = 3  # connections of PgBouncer to the server; the service has more to PgBouncer
CLIENTS, WRITES = 24, 400


@pytest.fixture(scope="module")
def pgbouncer(servers: Servers) -> Iterator[PgBouncer]:
    """Yield one whose sessions have a time limit, as docs/configuration.md says."""
    servers.sql("ALTER ROLE app SET statement_timeout = '2s'")
    with PgBouncer(servers.urls["DATABASE_URL"], POOL) as started:
        yield started


@pytest.fixture(scope="module")
def environment(project: Project, servers: Servers, pgbouncer: PgBouncer) -> dict[str, str]:
    """Return an environment that knows no other way to the database; `migrate` goes it too."""
    environ = complete_environment(
        **servers.urls | {"DATABASE_URL": pgbouncer.url},
        DATABASE_PGBOUNCER="true",
    )
    with Role(project, "migrate", environ=environ) as migration:
        assert migration.wait() == DONE, migration.text
    return environ


@pytest.fixture(scope="module")
def changes() -> dict[str, str]:
    """Return far more connections than the server has: those that count are PgBouncer's."""
    return {"WEB_CONCURRENCY": "2", "REPLICAS": "1000", "MAX_REQUESTS": "0"}


def test_it_is_ready(web: Role) -> None:
    """The probes look at database and migrations through it, too."""
    assert web.get("/ready").json()["checks"]["database"] == "up"
    assert web.get("/ready").json()["checks"]["migrations"] == "up"
    assert web.get("/health").status_code == 200


def test_it_serves_under_load(web: Role, servers: Servers) -> None:
    """Reads and writes of many clients share few connections, and not one fails."""

    def write(number: int) -> int:
        with new_client(web.url) as client:
            return client.post("/fixture/rows", json={"text": f"row {number}"}).status_code

    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'demo'"
    with (
        Load(web.url, "/fixture/sleep?seconds=0.02", clients=CLIENTS // 2) as slow,
        Load(web.url, "/fixture/rows", clients=CLIENTS // 2) as reads,
        ThreadPoolExecutor(8) as pool,
    ):
        writes = list(pool.map(write, range(WRITES)))
        connections = servers.sql(count)[0][0]
    assert Counter(writes) == {201: WRITES}
    answers = [*slow.answers, *reads.answers]
    assert {(answer.status, answer.fault) for answer in answers} == {(200, "")}
    assert len(answers) > 4 * CLIENTS
    assert 1 < connections <= POOL
    rows = web.get("/fixture/rows").json()["results"]
    assert {f"row {number}" for number in range(WRITES)} <= set(rows)


def test_the_role_carries_the_limits(web: Role) -> None:
    """A statement ends at the limit that the session cannot be given at its start."""
    assert_is_problem(web.get("/fixture/sleep?seconds=20"), 503, "unavailable")
    assert web.get("/fixture/rows").status_code == 200


def test_migrations_at_once_are_one_after_the_other(
    start: Start, servers: Servers, pgbouncer: PgBouncer
) -> None:
    """Their lock is a transaction's, so it holds where sessions are handed around."""
    fresh = pgbouncer.database(servers.new_database())
    roles = [start("migrate", DATABASE_URL=fresh) for _ in range(3)]
    assert [role.wait() for role in roles] == [DONE] * 3, "\n".join(role.text for role in roles)
    assert servers.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]


def test_an_unfit_database_behind_it_is_refused(
    start: Start, servers: Servers, pgbouncer: PgBouncer
) -> None:
    """The checks of the start see through it."""
    options = "ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    servers.sql(f"CREATE DATABASE ascii {options}")
    role = start("web", DATABASE_URL=pgbouncer.database("/ascii"))
    assert role.wait(20) == REFUSED
    assert "encoded in SQL_ASCII" in role.text


def test_without_the_switch_it_does_not_start(start: Start) -> None:
    """PgBouncer takes no start-up options: who forgets the switch learns it at the start."""
    role = start("web", DATABASE_PGBOUNCER=None, BOOT_ATTEMPTS="1")
    assert role.wait(20) == UNAVAILABLE
    assert "unsupported startup parameter" in role.text
