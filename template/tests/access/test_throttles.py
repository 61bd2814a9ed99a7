"""Buckets that all processes draw from, and those of one process while Redis is away."""

import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, cast

import pytest
from redis import Redis, RedisError
from structlog.testing import capture_logs

from access import public, throttles
from access.throttles import Draw, Limit, LocalBuckets, Verdict
from accounts import tokens
from accounts.tokens import Claims
from config import domains, identity, redis
from config.environment import load
from tests.support import Clock

pytestmark = pytest.mark.security

HERE = "203.0.113.7"
STRICT, BURST = Limit("strict-minute", 5, 60), Limit("burst-minute", 20, 60)
Take = Callable[[Draw], Verdict]


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    """Yield a client of the tests' own server."""
    with Redis.from_url(load().redis, **throttles.client_options()) as client:
        yield client


@pytest.fixture(params=[pytest.param("redis", marks=pytest.mark.integration), "local"])
def take(request: pytest.FixtureRequest) -> Take:
    """Return what draws from buckets in Redis, then what draws from a process's own."""
    if request.param == "local":
        return LocalBuckets().draw
    script = request.getfixturevalue("server").register_script(throttles.SCRIPT)
    return lambda draw: throttles.Buckets().answered(script(draw.keys, draw.arguments))


@pytest.fixture
def domain(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Let one domain, which the test describes, be all there are."""
    made = SimpleNamespace(POLICIES={}, ROUTES={})
    found = {"throttles": [made], "public": [SimpleNamespace(ROUTES={"GET /open/{id}"})]}
    monkeypatch.setattr(domains, "modules", lambda name: found.get(name, []))
    forget()
    yield made
    forget()


def forget() -> None:
    for each in (throttles.policies, throttles._routes, public.routes):
        cast(Any, each).cache_clear()


def draw(*limits: Limit) -> Draw:
    """Return a draw from buckets that are new."""
    who = uuid.uuid4().hex
    prefix = redis.prefix(load())
    return Draw("policy", limits, tuple(f"{prefix}:{limit.name}:{who}" for limit in limits))


def of(request: str, client: str = HERE, user: uuid.UUID | None = None) -> Draw:
    method, path = request.split(" ")
    header = None
    if user:
        issued = tokens.issue(Claims(user, uuid.uuid4(), uuid.uuid4()))
        header = f"Bearer {issued.access_token}"
    return throttles.draw_of(method, path, header, client)


@pytest.mark.parametrize("quota", [1, 3, 5, 7, 60, 97])
@pytest.mark.parametrize("unit", throttles.SECONDS)
def test_the_quota_passes_and_no_request_more(take: Take, quota: int, unit: str) -> None:
    """Whatever divides the window, a full bucket is for as many requests as were promised."""
    drawn = draw(Limit("limit", quota, throttles.SECONDS[unit]))
    started = time.monotonic()
    found = [take(drawn) for _ in range(quota + 1)]
    refilled = (time.monotonic() - started) * 1e6 // drawn.limits[0].step
    passed = [verdict for verdict in found if not verdict.wait]
    assert quota <= len(passed) <= quota + refilled


def test_a_refused_request_costs_nothing(take: Take) -> None:
    """Who hammers waits no longer than who waits, and it is told for how long."""
    drawn = draw(STRICT)
    for _ in range(5):
        assert not take(drawn).wait
    waits = [take(drawn).wait for _ in range(20)]
    assert all(11e6 < wait <= 12e6 for wait in waits)
    assert waits == sorted(waits, reverse=True)


def test_all_buckets_or_none(take: Take) -> None:
    """A request that one limit refuses takes nothing of the other."""
    drawn = draw(Limit("burst-minute", 2, 60), Limit("burst-hour", 100, 3600))
    for _ in range(2):
        take(drawn)
    before = take(drawn).full[1]
    after = take(drawn).full[1]
    assert 71e6 < after <= before <= 72e6


def test_a_bucket_fills_evenly(take: Take) -> None:
    """After the wait that was told the next request passes, and only one."""
    drawn = draw(Limit("limit", 5, 1))
    for _ in range(5):
        take(drawn)
    verdict = take(drawn)
    assert 0 < verdict.wait <= 200_000
    time.sleep(verdict.wait / 1e6)
    assert not take(drawn).wait
    assert take(drawn).wait


@pytest.mark.integration
def test_processes_share_their_buckets(server: Redis) -> None:
    """Fifty at once from clients of their own: as many pass as the limit says."""
    drawn = draw(STRICT)
    barrier = threading.Barrier(50)

    def one(_: int) -> bool:
        with Redis.from_url(load().redis) as client:
            client.ping()
            barrier.wait()
            found = client.eval(throttles.SCRIPT, 1, *drawn.keys, *drawn.arguments)
            return bool(found[0] == 0)

    with ThreadPoolExecutor(50) as pool:
        assert sum(pool.map(one, range(50))) == 5


@pytest.mark.integration
def test_a_key_lives_until_its_bucket_is_full(server: Redis) -> None:
    """Nothing is left of whoever came once, and refusals keep nothing alive."""
    drawn = draw(STRICT)
    script = server.register_script(throttles.SCRIPT)
    for count in range(1, 9):
        script(drawn.keys, drawn.arguments)
        left = server.pttl(drawn.keys[0])
        assert 12_000 * min(count, 5) - 1000 < left <= 12_000 * min(count, 5)


def test_local_buckets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many addresses come, those not used for longest are forgotten."""
    monkeypatch.setattr(throttles, "LOCAL_BUCKETS", 100)
    buckets, kept = LocalBuckets(), draw(STRICT)
    for _ in range(500):
        buckets.draw(kept)
        buckets.draw(draw(STRICT))
    assert len(buckets._full_at) == 100
    assert buckets.draw(kept).wait


def test_redis_may_go_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said once each time; meanwhile only a trial now and then asks it."""
    clock = Clock()
    monkeypatch.setattr("config.resilience.time", clock)
    buckets = throttles.Buckets()
    with capture_logs() as events:
        for _ in range(3):
            buckets.failed(RedisError("internal"))
        assert not buckets.tries_redis()
        clock.now += 5
        assert [buckets.tries_redis() for _ in range(3)] == [True, False, False]
        for _ in range(3):
            assert buckets.answered([0, 12_000_000]) == Verdict(0, (12_000_000,))
        assert buckets.tries_redis()
    told = [(event["event"], event["log_level"]) for event in events]
    assert told == [("throttle_fallback_begin", "warning"), ("throttle_fallback_end", "info")]
    assert "internal" not in str(events)


def test_an_absent_redis_is_given_up_at_once() -> None:
    """A request waits for its buckets less than anybody notices."""
    options = throttles.client_options()
    assert options["socket_connect_timeout"] + options["socket_timeout"] <= 1
    with Redis.from_url("redis://127.0.0.1:1", **options) as client:
        assert client.connection_pool.make_connection().retry.get_retries() == 0


WHO = uuid.uuid4()
CASES = {
    "a stranger": ("GET /api/v1/orders", None, "anonymous"),
    "a stranger who writes": ("POST /api/v1/orders", None, "anonymous"),
    "a user who reads": ("GET /api/v1/orders", WHO, "user"),
    "a user who looks": ("HEAD /api/v1/orders", WHO, "user"),
    "a user who writes": ("POST /api/v1/orders", WHO, "burst"),
    "a user who deletes": ("DELETE /nowhere", WHO, "burst"),
    "a login": ("POST /api/v1/auth/token", None, "strict"),
    "a registration": ("POST /api/v1/auth/register", None, "strict"),
    "a password": ("POST /api/v1/auth/password", WHO, "strict"),
    "no login": ("GET /api/v1/auth/token", None, "anonymous"),
    "a longer path": ("POST /api/v1/auth/token/refresh", None, "anonymous"),
    "no path at all": ("GET *", None, "anonymous"),
}


@pytest.mark.parametrize(("request_", "user", "policy"), CASES.values(), ids=CASES)
def test_each_request_has_its_policy(request_: str, user: uuid.UUID | None, policy: str) -> None:
    """It follows from route, method and token."""
    assert of(request_, user=user).policy == policy


A, B = uuid.uuid4(), uuid.uuid4()
LOGIN, READ, CHANGE = "POST /api/v1/auth/token", "GET /", "POST /api/v1/auth/password"
SHARED = {
    "one address": (of_ := (READ, HERE, None), of_, True),
    "two addresses": (of_, (READ, "203.0.113.8", None), False),
    "one network of 64 bits": ((READ, "2001:db8::1", None), (READ, "2001:db8::ffff:2", None), True),
    "two networks": ((READ, "2001:db8::1", None), (READ, "2001:db8:0:1::1", None), False),
    "IPv4 in IPv6": (of_, (READ, f"::ffff:{HERE}", None), True),
    "no address": ((READ, "", None), of_, False),
    "a user anywhere": ((READ, HERE, A), (READ, "198.51.100.1", A), True),
    "two users at an address": ((READ, HERE, A), (READ, HERE, B), False),
    "a user and a stranger": ((READ, HERE, A), of_, False),
    "a user's password": ((CHANGE, HERE, A), (CHANGE, "198.51.100.1", A), True),
    "logins with tokens": ((LOGIN, HERE, A), (LOGIN, HERE, B), True),
    "a login with a token or none": ((LOGIN, HERE, A), (LOGIN, HERE, None), True),
    "logins from two addresses": ((LOGIN, HERE, A), (LOGIN, "198.51.100.1", A), False),
}
One = tuple[str, str, uuid.UUID | None]


@pytest.mark.security
@pytest.mark.parametrize(("one", "other", "shared"), SHARED.values(), ids=SHARED)
def test_who_draws_from_one_bucket(one: One, other: One, shared: bool) -> None:
    """Nobody gets a second bucket by a token or by another address of the same network."""
    assert (of(*one).keys == of(*other).keys) is shared


@pytest.mark.security
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Basic YTpi", "Bearer \udcff"])
def test_a_forged_token_is_a_strangers(header: str) -> None:
    """What is not genuine does not buy a bucket of its own."""
    found = throttles.draw_of("GET", "/", header, HERE)
    assert found == of(READ)


def test_keys_are_this_services_and_name_nobody() -> None:
    """Services share a server; who reads its keys learns no address."""
    [key] = of(LOGIN).keys
    prefix, _, digest = key.rpartition(":")
    assert prefix.startswith(f"{identity.NAME}:test:throttle:strict-")
    assert re.fullmatch(r"[0-9a-f]+", digest)


def test_a_domain_adds_policies(domain: SimpleNamespace) -> None:
    """A placeholder is one part of a path; HEAD counts as GET; public routes know no users."""
    domain.POLICIES = {"exports": "10/day, 2/hour"}
    domain.ROUTES = {"GET /exports/{export_id}": "exports", "GET /open/{id}": "exports"}
    assert throttles.policies()["exports"] == (
        Limit("exports-day", 10, 86400),
        Limit("exports-hour", 2, 3600),
    )
    named = ["GET /exports/1", "HEAD /exports/1", "POST /exports/1", "GET /exports/1/2"]
    assert [of(each).policy for each in named] == ["exports", "exports", "anonymous", "anonymous"]
    assert of("GET /exports/1", user=A).keys != of("GET /exports/1", user=B).keys
    assert of("GET /open/1", user=A).keys == of("GET /open/1").keys


@pytest.mark.parametrize(
    ("policies", "routes"),
    [({"x": "ten/day"}, {}), ({"x": "0/day"}, {}), ({"x": "1/week"}, {}), ({}, {"GET /": "x"})],
    ids=["no number", "none", "no unit", "no policy"],
)
def test_a_mistake_of_a_domain_is_told(
    domain: SimpleNamespace, policies: dict[str, str], routes: dict[str, str]
) -> None:
    """It shows at the first request, whichever that is."""
    domain.POLICIES, domain.ROUTES = policies, routes
    with pytest.raises(ValueError, match=r"polic|rate"):
        of(READ)


def test_the_headers_of_an_answer() -> None:
    """What is left and when all is back, rounded so that nobody comes too early."""
    drawn = draw(BURST, Limit("burst-hour", 500, 3600))
    verdict = Verdict(0, (3_000_000, 7_200_000))
    assert throttles.headers(drawn, verdict) == {
        "RateLimit-Policy": '"burst-minute";q=20;w=60, "burst-hour";q=500;w=3600',
        "RateLimit": '"burst-minute";r=19;t=3, "burst-hour";r=499;t=8',
    }


@pytest.mark.parametrize("quota", [1, 3, 7, 60])
def test_what_is_left_counts_down_by_one(quota: int) -> None:
    """The header is exact where the window does not divide."""
    buckets, drawn = LocalBuckets(), draw(Limit("limit", quota, 3600))
    found = [throttles.headers(drawn, buckets.draw(drawn))["RateLimit"] for _ in range(quota)]
    assert [int(each.partition("r=")[2].partition(";")[0]) for each in found] == list(
        reversed(range(quota))
    )


@pytest.mark.parametrize(("wait", "retry"), [(1, 1), (1_000_000, 1), (1_000_001, 2), (12e6, 12)])
def test_a_refusal_says_when_to_come_back(wait: int, retry: int) -> None:
    """In whole seconds, never too few."""
    error = throttles.refusal(draw(STRICT), Verdict(wait, (60_000_000,)))
    assert error
    assert error.headers["Retry-After"] == str(retry)
    assert throttles.refusal(draw(STRICT), Verdict(0, (0,))) is None
