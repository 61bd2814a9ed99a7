"""What a service does while a server that it needs freezes or ends, and under surplus load."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import httpx
import pytest

from tests.contract.conftest import Start
from tests.contract.test_http import assert_is_problem
from tests.harness.load import Answer, Load
from tests.harness.roles import Role, new_client
from tests.harness.servers import Servers
from tests.harness.waiting import until

pytestmark = [pytest.mark.failures, pytest.mark.full, pytest.mark.timed]

LIMIT, POOL = 12, 4  # requests at once and connections, a process; the service has one process
# /live takes 100 ms at most. A test machine with two busy cores may put a process to sleep for
# longer than that now and then, so one answer in twenty may be late, but none by this much.
LIVE, LIVE_ON_A_BUSY_MACHINE = 0.1, 1.0


@pytest.fixture(scope="module")
def changes() -> dict[str, str]:
    """Return small limits, so that little load reaches them."""
    return {
        "MAX_CONCURRENT_REQUESTS": str(LIMIT),
        "DATABASE_POOL_MAX": str(POOL),
        "DATABASE_STATEMENT_TIMEOUT": "2",
        "REDIS_TIMEOUT": "1",
        "MAX_REQUESTS": "0",  # one process from the first test to the last
    }


@pytest.fixture
def mend(servers: Servers, web: Role) -> Iterator[None]:
    """Bring every server back afterwards, and wait until the service has noticed."""
    yield
    for name in ("postgres", "valkey"):
        servers.thaw(name)
        servers.restart(name)
    until(lambda: web.get("/health").status_code == 200, "it does not recover", 20)


def get(web: Role, path: str) -> tuple[int, float]:
    """Return the status and the seconds of one request."""
    began = time.monotonic()
    return web.get(path).status_code, time.monotonic() - began


def recovers_within(web: Role, seconds: float, path: str = "/fixture/rows") -> None:
    """Ask until the answer is 200 again, and five more times."""
    until(lambda: web.get(path).status_code == 200, f"{path} does not recover", seconds)
    assert [web.get(path).status_code for _ in range(5)] == [200] * 5


def statuses(answers: list[Answer]) -> Counter[int]:
    """Count the answers by their status; 0 is none."""
    return Counter(answer.status for answer in answers)


def lost(web: Role) -> int:
    """Return how many processes do without the cache, by what they said of it."""
    return len(web.find("cache_fallback_begin")) - len(web.find("cache_fallback_end"))


def assert_is_live(answers: list[Answer]) -> None:
    """Check that `/live` always answered, and at once."""
    assert statuses(answers).keys() == {200}
    times = sorted(answer.seconds for answer in answers)
    assert len(times) > 20
    assert median(times) < LIVE
    assert times[len(times) * 19 // 20] < LIVE, times[-10:]
    assert times[-1] < LIVE_ON_A_BUSY_MACHINE


@pytest.mark.usefixtures("mend")
def test_a_frozen_postgresql_under_load(web: Role, servers: Servers) -> None:
    """/live stays quick, /ready turns 503, surplus is refused at once, and all recovers."""
    with (
        Load(web.url, "/live", clients=1) as live,
        Load(web.url, "/fixture/rows", clients=3 * LIMIT, pause=0.5) as load,
    ):
        time.sleep(1.5)
        servers.freeze("postgres")
        frozen = time.time()
        until(lambda: web.get("/ready").status_code == 503, "still ready", 5)
        assert time.time() - frozen < 5
        time.sleep(max(0.0, frozen + 8 - time.time()))  # past the wait for a connection
        report = web.get("/ready")
        assert report.status_code == 503
        assert report.json()["checks"]["database"] == "down"
        thawed = time.time()  # before it is, for the first answers come at once
        servers.thaw("postgres")
        recovers_within(web, 10)
        until(lambda: web.get("/ready").status_code == 200, "not ready again", 10)
        assert time.time() - thawed < 10
        time.sleep(1)
    assert_is_live(live.answers)
    during = [answer for answer in load.since(frozen + 0.5) if answer.began < thawed]
    ended = [answer for answer in during if answer.ended < thawed]
    assert statuses(ended).keys() == {503}
    # 1 second for surplus, 5 for who waited in vain for a connection.
    refused = [a for a in load.answers if a.status == 503 and a.ended < thawed]
    assert {answer.retry_after for answer in refused} == {"1", "5"}
    surplus = [answer for answer in ended if answer.retry_after == "1"]
    assert len(surplus) > 2 * LIMIT
    assert max(answer.seconds for answer in surplus) < 1
    # Nobody waited for longer than that but who held a connection when it froze.
    assert len([answer for answer in during if answer.seconds > 7]) <= POOL
    assert 0 not in statuses(load.answers), [a.fault for a in load.answers if a.fault][:3]
    assert statuses(load.since(thawed + 10)).keys() <= {200}


@pytest.mark.usefixtures("mend")
def test_a_postgresql_that_ends_and_comes_back_under_load(web: Role, servers: Servers) -> None:
    """Meanwhile every answer is a problem, afterwards nobody has to restart the service."""
    with (
        Load(web.url, "/live", clients=1) as live,
        Load(web.url, "/fixture/rows", clients=6, pause=0.1) as load,
    ):
        time.sleep(0.5)
        servers.halt("postgres")
        halted = time.time()
        until(lambda: web.get("/ready").status_code == 503, "still ready", 5)
        assert_is_problem(web.get("/fixture/rows"), 503, "unavailable")
        assert web.get("/fixture/rows").headers["Retry-After"] == "5"
        assert web.get("/").status_code == 200
        assert web.get("/fixture/cached").status_code == 200
        time.sleep(max(0.0, halted + 3 - time.time()))
        returning = time.time()  # it answers before the command that starts it has ended
        servers.restart("postgres")
        back = time.time()
        recovers_within(web, 10)
        until(lambda: web.get("/ready").status_code == 200, "not ready again", 10)
        assert time.time() - back < 10
    assert_is_live(live.answers)
    assert statuses(load.answers).keys() == {200, 503}
    meanwhile = [answer for answer in load.since(halted + 0.2) if answer.ended < returning]
    assert statuses(meanwhile).keys() == {503}


def test_lost_connections_cost_no_request(web: Role, servers: Servers) -> None:
    """After a fail-over every pooled connection is dead, and the next request does not notice."""
    with Load(web.url, "/fixture/rows", clients=POOL, pause=0):
        time.sleep(1)  # the pool is full
    for _ in range(2):
        killed = servers.sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'demo'"
        )
        assert killed
        assert get(web, "/fixture/rows")[0] == 200


def test_a_statement_has_a_time_limit(web: Role, client: httpx.Client) -> None:
    """At DATABASE_STATEMENT_TIMEOUT it is over, and its connection serves the next one."""
    began = time.monotonic()
    answer = client.get("/fixture/sleep?seconds=20")
    assert_is_problem(answer, 503, "unavailable")
    assert 2 <= time.monotonic() - began < 5
    for _ in range(2 * POOL):
        assert get(web, "/fixture/rows")[0] == 200
    with ThreadPoolExecutor(2 * POOL) as pool:
        ended = pool.map(lambda _: get(web, "/fixture/sleep?seconds=20"), range(2 * POOL))
        assert {status for status, _ in ended} == {503}
    recovers_within(web, 1)


def test_surplus_is_refused_at_once_while_the_rest_is_served(web: Role) -> None:
    """Requests over the limit are told to come back; the probes still find a place."""
    with ThreadPoolExecutor(LIMIT) as pool:
        slow = [pool.submit(get, web, "/fixture/slow?seconds=6") for _ in range(LIMIT)]
        time.sleep(2)  # who asks earlier takes the place of one of them
        until(lambda: web.get("/").status_code == 503, "nothing is refused", 3)
        began = time.monotonic()
        answer = web.get("/")
        assert time.monotonic() - began < 1
        assert_is_problem(answer, 503, "overloaded")
        assert answer.headers["Retry-After"] == "1"
        for path in ("/live", "/ready", "/health"):
            status, seconds = get(web, path)
            assert (status, seconds < 1) == (200, True)
        assert {future.result()[0] for future in slow} == {200}
    assert web.get("/").status_code == 200


def test_the_pool_is_never_exceeded(start: Start, servers: Servers) -> None:
    """Whatever comes in, PostgreSQL sees at most pool times processes."""
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'demo'"
    until(lambda: servers.sql(count)[0][0] <= POOL + 1, "others are connected")
    already = servers.sql(count)[0][0]
    web = start(
        "web",
        WEB_CONCURRENCY="2",
        DATABASE_POOL_MAX="3",
        MAX_CONCURRENT_REQUESTS="250",
        MAX_REQUESTS="0",
    ).wait_until_it_serves()
    seen: list[int] = []
    # An idle connection may end while its next request is on its way, so none is kept.
    with Load(web.url, "/fixture/rows", clients=200, pause=0, keep_alive=False) as load:
        while len(load.answers) < 800:
            seen.append(servers.sql(count)[0][0] - already)
            time.sleep(0.05)
    # The client's own: one of its threads closed what another one was to read.
    answers = [each for each in load.answers if "Bad file descriptor" not in each.fault]
    assert statuses(answers).keys() <= {200, 503}, {a.fault for a in answers}
    assert statuses(answers)[200] > 600
    assert 3 <= max(seen) <= 6
    assert web.stop() == 0
    until(lambda: servers.sql(count)[0][0] <= already, "connections are left")


@pytest.mark.usefixtures("mend")
@pytest.mark.parametrize("how", ["freeze", "halt"])
def test_the_cache_may_go_and_come_back_under_load(web: Role, servers: Servers, how: str) -> None:
    """Not one request fails for want of Valkey; it is named as degraded until it is back."""
    go: Callable[[str], None] = getattr(servers, how)
    come = servers.thaw if how == "freeze" else servers.restart
    assert web.get(f"/fixture/cached?key=before-{how}").json() == {"hit": False}
    with (
        Load(web.url, "/live", clients=1) as live,
        Load(web.url, "/fixture/cached?key=load", clients=4, pause=0.1) as load,
    ):
        time.sleep(0.5)
        go("valkey")
        gone = time.time()
        until(lambda: web.get("/health").status_code == 503, "still healthy", 5)
        report = web.get("/ready")
        assert report.status_code == 200
        assert report.json()["status"] == "degraded"
        assert report.json()["checks"]["redis"] == "down"
        assert web.get("/live").status_code == 200
        until(lambda: lost(web), "nobody says that it is gone", 5)
        # What is set now is found again: the process has a small store of its own.
        assert web.get(f"/fixture/cached?key=local-{how}").json() == {"hit": False}
        assert web.get(f"/fixture/cached?key=local-{how}").json() == {"hit": True}
        time.sleep(max(0.0, gone + 7 - time.time()))  # past one trial of the lost server
        come("valkey")
        back = time.time()
        until(lambda: web.get("/health").status_code == 200, "not healthy again", 10)
        until(lambda: not lost(web), "the cache is not taken back", 15)
        assert time.time() - back < 15
        time.sleep(0.5)
    assert_is_live(live.answers)
    assert statuses(load.answers).keys() == {200}
    # REDIS_TIMEOUT bounds the first call; the request makes one to look and one to keep.
    slowest = max(answer.seconds for answer in load.answers)
    assert slowest < 2 * 1 + LIVE_ON_A_BUSY_MACHINE
    late = [answer for answer in load.answers if answer.seconds > 0.5]
    assert len(late) <= 4 * 2
    # What was kept for want of Valkey is forgotten; the shared truth is Valkey's.
    assert web.get(f"/fixture/cached?key=local-{how}").json() == {"hit": False}


@pytest.mark.usefixtures("mend")
def test_a_critical_cache_makes_it_not_ready(start: Start, servers: Servers) -> None:
    """A team whose service is useless without Valkey says so."""
    web = start("web", READINESS_CRITICAL="database,redis").wait_until_it_serves()
    assert web.get("/ready").status_code == 200
    servers.halt("valkey")
    until(lambda: web.get("/ready").status_code == 503, "still ready", 5)
    servers.restart("valkey")
    until(lambda: web.get("/ready").status_code == 200, "not ready again", 5)
    assert web.stop() == 0


def test_many_probes_are_one_look(web: Role, servers: Servers) -> None:
    """However many ask, PostgreSQL is asked once a second."""
    count = "SELECT sessions FROM pg_stat_database WHERE datname = 'app'"

    def sessions() -> int:
        time.sleep(1.1)  # until PostgreSQL has counted those that ended
        return int(servers.sql(count)[0][0])

    before = sessions()
    asked, until_ = 0, time.monotonic() + 3
    with new_client(web.url) as client:
        while time.monotonic() < until_:
            assert client.get("/ready").status_code == 200
            asked += 1
    looked = sessions() - before - 1  # ours
    assert asked > 100
    assert 2 <= looked <= 6


@pytest.fixture
def asynchronous(framework: str) -> None:
    """Skip where a request is a thread, which nobody can cancel."""
    if framework == "django":
        pytest.skip("the statement timeout is a thread's deadline")


def running(servers: Servers) -> int:
    """Return how many statements of the service sleep in the database."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
        " AND query LIKE '%pg_sleep%' AND application_name = 'demo'"
    )
    return int(servers.sql(query)[0][0])


@pytest.mark.usefixtures("asynchronous")
def test_a_client_that_leaves_takes_its_statement_along(start: Start, servers: Servers) -> None:
    """Work that nobody waits for ends, its connection returns, and the log has the line."""
    web = start("web", DATABASE_STATEMENT_TIMEOUT="60", DATABASE_POOL_MAX="1")
    web.wait_until_it_serves()
    with new_client(web.url, timeout=1) as hurried, pytest.raises(httpx.ReadTimeout):
        hurried.get("/fixture/sleep?seconds=50")
    until(lambda: running(servers) == 0, "the statement goes on", 5)
    assert get(web, "/fixture/rows")[0] == 200
    assert web.wait_for("request_finished", route="/fixture/sleep")["status"] == 499
    assert web.stop() == 0


@pytest.mark.usefixtures("asynchronous")
def test_a_request_has_a_deadline(start: Start, servers: Servers) -> None:
    """At REQUEST_TIMEOUT it is answered with a problem, and its statement is cancelled."""
    web = start("web", DATABASE_STATEMENT_TIMEOUT="60", REQUEST_TIMEOUT="2")
    web.wait_until_it_serves()
    for path in ("/fixture/sleep?seconds=50", "/fixture/slow?seconds=50"):
        began = time.monotonic()
        answer = web.get(path)
        assert 2 <= time.monotonic() - began < 5
        assert_is_problem(answer, 503, "unavailable")
    until(lambda: running(servers) == 0, "the statement goes on", 5)
    assert get(web, "/fixture/rows")[0] == 200
    assert web.stop() == 0
