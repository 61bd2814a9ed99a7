"""The roles of the one entrypoint: what each needs, does, and ends with."""

import re

import pytest

from tests.contract.conftest import Start
from tests.harness.roles import Role, free_port
from tests.harness.servers import Servers
from tests.harness.waiting import until

DONE, USAGE, UNAVAILABLE, REFUSED = 0, 64, 69, 78


@pytest.fixture
def fresh(servers: Servers) -> str:
    """Return the address of a database without a schema."""
    return servers.new_database()


def tables(servers: Servers, address: str) -> list[str]:
    """Return the names of the tables in a database."""
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    return [row[0] for row in servers.sql(query, address)]


@pytest.mark.parametrize("arguments", [[], ["wbe"], ["--help"], ["WEB"]])
def test_an_unknown_role_ends_with_the_usage(start: Start, arguments: list[str]) -> None:
    """A typo in a deployment has an exit code of its own, and the answer names the roles."""
    role = start(*arguments)
    assert role.wait(20) == USAGE
    for name in ("web", "migrate", "manage"):
        assert name in role.text


def test_migrate_brings_the_schema_and_may_run_again(
    start: Start, servers: Servers, fresh: str
) -> None:
    """A release runs it before it serves, whether there is something to do or not."""
    for _ in range(2):
        role = start("migrate", DATABASE_URL=fresh)
        assert role.wait() == DONE, role.text
        assert role.find("migrated")
        assert {"accounts_user", "fixture_row"} <= set(tables(servers, fresh))


def test_five_migrations_at_once_are_one_after_the_other(
    start: Start, servers: Servers, fresh: str
) -> None:
    """Replicas that start together do not break each other's schema."""
    roles = [start("migrate", DATABASE_URL=fresh) for _ in range(5)]
    assert [role.wait() for role in roles] == [DONE] * 5, "\n".join(role.text for role in roles)
    assert {"accounts_user", "fixture_row"} <= set(tables(servers, fresh))


def test_a_migration_that_fails_is_told(start: Start, servers: Servers, fresh: str) -> None:
    """The exit code stops the release, and the log has the cause."""
    servers.sql("CREATE TABLE accounts_user (id int)", fresh)
    role = start("migrate", DATABASE_URL=fresh)
    assert role.wait() == 1
    assert role.find("migration_failed")
    assert "accounts_user" in role.text
    assert "fixture_row" not in tables(servers, fresh)


def test_web_without_a_schema_is_not_ready_and_does_not_make_one(
    start: Start, servers: Servers, fresh: str
) -> None:
    """The log names what is missing, the probe only that something is."""
    web = start("web", DATABASE_URL=fresh).wait_until_it_serves()
    answer = web.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] == "pending"
    assert "0001" not in answer.text
    assert web.get("/health").status_code == 503
    assert web.get("/live").status_code == 200
    pending = str(web.find("migrations_pending"))
    assert "0001_initial" in pending or "0003_fixture" in pending
    assert tables(servers, fresh) == []
    assert start("migrate", DATABASE_URL=fresh).wait() == DONE
    until(lambda: web.get("/ready").status_code == 200, "it does not become ready", 5)
    assert web.stop() == DONE


def test_a_primary_migrates_first(start: Start, fresh: str) -> None:
    """A platform with a single instance needs no second role."""
    web = start("web", DATABASE_URL=fresh, IS_PRIMARY="1").wait_until_it_serves()
    assert web.get("/ready").status_code == 200
    assert web.find("migrated")
    assert web.stop() == DONE


def test_manage_runs_a_command_and_has_its_exit_code(start: Start) -> None:
    """Commands of the framework and of the team run with checked settings."""
    assert start("manage", "check").wait() == DONE
    assert start("manage", "nonsense").wait() not in {DONE, REFUSED}
    assert start("manage", "check", PORT="0").wait() == REFUSED


def test_a_command_that_crashes_leaves_its_stack_in_a_line(start: Start) -> None:
    """What a command prints is its own affair; how it fails is the log's."""
    role = start("manage", "migrate", DATABASE_URL=f"postgresql://a:b@127.0.0.1:{free_port()}/c")
    assert role.wait() == 1
    assert role.find("uncaught exception", level="critical", role="manage")
    role.assert_is_structured()


@pytest.mark.parametrize(("role", "variable"), [("web", "REDIS_URL"), ("migrate", "DATABASE_URL")])
def test_a_server_that_never_answers_ends_the_start(start: Start, role: str, variable: str) -> None:
    """The tries are visible and counted, and the exit code says that it is not the settings."""
    scheme, secret = variable.split("_")[0].lower(), "Kq93-uzA"
    scheme = {"database": "postgresql"}.get(scheme, scheme)
    address = f"{scheme}://someone:{secret}@127.0.0.1:{free_port()}/0"
    failed = start(role, BOOT_ATTEMPTS="2", **{variable: address})
    assert failed.wait(30) == UNAVAILABLE
    [waited] = failed.find("waiting")
    assert waited["attempt"] == 1
    assert waited["server"] == variable.split("_")[0].lower()
    assert failed.find("server did not answer", attempts=2)
    assert "Traceback" not in failed.text
    assert secret not in failed.text


@pytest.mark.parametrize(("name", "server"), [("postgres", "database"), ("valkey", "redis")])
def test_a_server_that_comes_late_is_waited_for(
    start: Start, servers: Servers, name: str, server: str
) -> None:
    """Service and servers may start in any order."""
    servers.halt(name)
    try:
        web = start("web")
        web.wait_for("waiting", server=server, attempt=2)
    finally:
        servers.restart(name)
    web.wait_until_it_serves()
    assert web.get("/health").status_code == 200
    assert web.stop() == DONE


def test_a_start_that_waits_can_be_stopped(start: Start) -> None:
    """Nobody has to wait for the last try."""
    web = start("web", REDIS_URL=f"redis://127.0.0.1:{free_port()}")
    web.wait_for("waiting", attempt=2)
    assert web.stop() == DONE
    assert web.pids() == []


def test_the_banner_tells_what_runs_and_no_credential(start: Start, servers: Servers) -> None:
    """One line at the start answers the first questions of whoever is called at night."""
    planted = {name: f"planted-{name}-Wq7Zx2Lv9Rt4Kp8Nd3Bf6Hs1Jm5Gc0Ye" for name in ("a", "b", "c")}
    servers.sql(f"CREATE ROLE banner SUPERUSER LOGIN PASSWORD '{planted['a']}'")
    place = servers.urls["DATABASE_URL"].rpartition("@")[2]
    web = start(
        "web",
        DATABASE_URL=f"postgresql://banner:{planted['a']}@{place}",
        SECRET_KEY=planted["b"] + "0123456789",
        JWT_SIGNING_KEY=planted["c"] + "0123456789",
        PAYMENT_KEY_ID="id",
        PAYMENT_KEY_SECRET=planted["b"],
    ).wait_until_it_serves()
    assert web.get("/fixture/crash").status_code == 500
    assert web.get("/fixture/rows").status_code == 200
    assert web.stop() == DONE
    [banner] = web.find("starting")
    expected = {
        "environment": "production",
        "role": "web",
        "debug": False,
        "allowed_hosts": ["127.0.0.1", "service.test"],
        "cors_allowed_origins": ["https://app.test"],
        "database": "127.0.0.1/app",
        "redis": "127.0.0.1",
        "workers": 1,
        "domains": ["apps.articles", "apps.fixture", "apps.profiles"],
    }
    assert expected.items() <= banner.items()
    assert re.fullmatch(r"\d+\.\d+\.\d+", banner["version"])
    assert "template_version" in banner
    assert "planted" not in web.text
    assert servers.urls["REDIS_URL"].split(":")[2].split("@")[0] not in web.text


def test_a_port_that_is_taken_ends_the_start(start: Start) -> None:
    """It says so in lines like all others, and does not pretend to serve."""
    first = start("web").wait_until_it_serves()
    second = start("web", PORT=first.url.rpartition(":")[2])
    assert second.wait() == 1
    assert not second.find("ready")
    assert [event for event in second.events if event["level"] in {"error", "critical"}]
    assert first.stop() == DONE


def started(role: Role) -> int:
    """Return how many processes began to serve."""
    return len(role.workers())


def test_as_many_processes_as_asked_for(start: Start) -> None:
    """The override counts, and each process says that it is there."""
    web = start("web", WEB_CONCURRENCY="3").wait_until_it_serves()
    until(lambda: started(web) == 3, "a process is missing")
    assert web.find("ready", workers=3)
    assert web.stop() == DONE
