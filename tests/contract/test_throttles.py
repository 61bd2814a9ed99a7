"""How often a client may ask: across processes, behind proxies, and while Redis is away."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit

import httpx
import pytest
import redis

from tests.contract.conftest import Start
from tests.contract.people import ME, PASSWORD, REGISTER, TOKEN, bearer, log_in, made, unheard_of
from tests.contract.test_http import PROBES, assert_is_problem
from tests.harness.roles import Role, new_client
from tests.harness.servers import Servers
from tests.harness.waiting import until

ANONYMOUS, READS, WRITES = 4, 6, 3  # an hour, an hour, a minute
LOGIN = {"email": "nobody@example.org", "password": "a wrong guess"}
PREFLIGHT = {"Origin": "https://app.test", "Access-Control-Request-Method": "GET"}
NAMED = {"anonymous": '"anonymous-hour";q=4;w=3600', "strict": '"strict-minute";q=5;w=60'}


@pytest.fixture(scope="module")
def changes() -> dict[str, str]:
    """Return small rates, two processes that share them, and a proxy, which is this machine."""
    return {
        "WEB_CONCURRENCY": "2",
        "TRUSTED_PROXIES": "127.0.0.1/32",
        "THROTTLE_ANONYMOUS": f"{ANONYMOUS}/hour",
        "THROTTLE_USER": f"{READS}/hour",
        "THROTTLE_BURST": f"{WRITES}/minute,500/hour",
        "THROTTLE_STRICT": "5/minute",
        "METRICS_TOKEN": "a-token-of-thirty-two-characters",
    }


@pytest.fixture(autouse=True)
def _full_buckets(servers: Servers) -> None:
    """Give everybody a full bucket."""
    with redis.Redis.from_url(servers.urls["REDIS_URL"]) as client:
        client.flushdb()


def ask(client: httpx.Client, address: str, path: str = "/nowhere", **more: str) -> httpx.Response:
    """Ask as a proxy passes it on."""
    return client.get(path, headers={"X-Forwarded-For": address, **more})


def user_at(client: httpx.Client, address: str) -> dict[str, str]:
    """Register somebody there, log in, and return the headers of that user's requests."""
    here = {"X-Forwarded-For": address}
    email = f"{unheard_of()}@example.org"
    made(client.post(REGISTER, json={"email": email, "password": PASSWORD}, headers=here))
    token = log_in(client, email, headers=here)["access_token"]
    return here | bearer(token)


def assert_is_throttled(answer: httpx.Response, limit: str, quota: int, window: int) -> None:
    """Check a refusal by one limit, which is empty."""
    assert_is_problem(answer, 429, "throttled")
    assert f'"{limit}";q={quota};w={window}' in answer.headers["RateLimit-Policy"].split(", ")
    assert re.search(rf'"{limit}";r=0;t=\d+', answer.headers["RateLimit"])
    assert 1 <= int(answer.headers["Retry-After"]) <= -(-window // quota)


def attempts(url: str, count: int, spoofed: bool = True) -> list[httpx.Response]:
    """Try to log in so many times at once, each time with another forged address."""

    def one(number: int) -> httpx.Response:
        forged = f"203.0.113.{number}"
        headers = {"X-Forwarded-For": forged, "X-Real-IP": forged, "Forwarded": f"for={forged}"}
        with new_client(url) as client:
            return client.post(TOKEN, json=LOGIN, headers=headers if spoofed else {})

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_fifty_logins_at_once_are_five(start: Start) -> None:
    """Two processes agree on the count, and no header that a client invents adds to it."""
    web = start("web", WEB_CONCURRENCY="2", THROTTLE_STRICT="5/minute").wait_until_it_serves()
    until(lambda: len(web.workers()) == 2, "a process is missing")
    answers = attempts(web.url, 50)
    assert Counter(answer.status_code for answer in answers) == {401: 5, 429: 45}
    told = [answer.headers["RateLimit"] for answer in answers if answer.status_code == 401]
    assert {each.rpartition(";t=")[0] for each in told} == {
        f'"strict-minute";r={left}' for left in range(5)
    }
    for answer in answers:
        assert answer.headers.get_list("RateLimit-Policy") == [NAMED["strict"]]
        assert len(answer.headers.get_list("RateLimit")) == 1
        if answer.status_code == 429:
            assert_is_throttled(answer, "strict-minute", 5, 60)
    assert len({event["pid"] for event in web.find("request_finished", status=429)}) == 2
    assert web.stop() == 0


def test_after_retry_after_it_lets_through_again(start: Start) -> None:
    """Whoever waits as long as was said gets one answer; who does not, none."""
    web = start("web", THROTTLE_STRICT="20/minute").wait_until_it_serves()
    with new_client(web.url) as client:

        def attempt() -> httpx.Response:
            return client.post(TOKEN, json={})  # which is refused at once, and counted

        answers = [attempt() for _ in range(20)]
        while (refused := attempt()).status_code != 429:
            answers.append(refused)
        assert {answer.status_code for answer in answers} == {422}
        assert_is_throttled(refused, "strict-minute", 20, 60)
        time.sleep(int(refused.headers["Retry-After"]))
        assert [attempt().status_code for _ in range(2)] == [422, 429]
    assert web.stop() == 0


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("198.51.100.1", "198.51.100.2", False),
        ("2001:db8:1::1", "2001:db8:1:0:ffff::2", True),
        ("2001:db8:2::1", "2001:db8:2:1::1", False),
        ("[2001:db8:3::1]:443", "2001:db8:3::2", True),
        ("198.51.100.3", "::ffff:198.51.100.3", True),
        ("198.51.100.4:4711", "198.51.100.4", True),
        ("1.1.1.1, 198.51.100.5", "2.2.2.2, 198.51.100.5", True),
        ("198.51.100.6, 127.0.0.1", "198.51.100.7, 127.0.0.1", False),
        ("nonsense", "other nonsense", True),
    ],
)
def test_addresses_are_told_apart_by_what_the_proxy_says(
    client: httpx.Client, one: str, other: str, shared: bool
) -> None:
    """IPv6 by networks of 64 bits, IPv4 however it is written, and nothing that was made up."""
    for left in reversed(range(ANONYMOUS)):
        answer = ask(client, one)
        assert_is_problem(answer, 404, "not_found")
        assert answer.headers["RateLimit-Policy"] == NAMED["anonymous"]
        assert answer.headers["RateLimit"].startswith(f'"anonymous-hour";r={left};t=')
    assert_is_throttled(ask(client, one), "anonymous-hour", ANONYMOUS, 3600)
    assert ask(client, other).status_code == (429 if shared else 404)


def test_users_at_one_address_have_buckets_of_their_own(client: httpx.Client) -> None:
    """Reads and writes are counted apart, and so is everybody else."""
    place = "198.51.100.20"
    one, other = (user_at(client, place) for _ in range(2))
    for _ in range(READS):
        assert client.get(ME, headers=one).status_code == 200
    assert_is_throttled(client.get(ME, headers=one), "user-hour", READS, 3600)
    assert client.get(ME, headers=one | {"X-Forwarded-For": "::1"}).status_code == 429
    assert client.get(ME, headers=other).status_code == 200
    for number in range(WRITES):
        answer = client.patch(ME, json={"full_name": f"N {number}"}, headers=one)
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"].count(";q=") == 2
    answer = client.patch(ME, json={"full_name": "N"}, headers=one)
    assert_is_throttled(answer, "burst-minute", WRITES, 60)
    assert f'"burst-hour";r={500 - WRITES};' in answer.headers["RateLimit"]
    assert client.patch(ME, json={"full_name": "N"}, headers=other).status_code == 200
    assert ask(client, place).status_code == 404


def test_a_token_buys_no_more_logins(client: httpx.Client) -> None:
    """Accounts of one's own are no further tries at somebody else's."""
    tokens = [user_at(client, f"198.51.100.3{number}") for number in range(2)]
    there = {"X-Forwarded-For": "198.51.100.39"}
    answers = [
        client.post(TOKEN, json=LOGIN, headers=tokens[number % 2] | there).status_code
        for number in range(6)
    ]
    assert answers == [401] * 5 + [429]


def test_a_forged_token_buys_nothing(client: httpx.Client) -> None:
    """What is not genuine is a stranger's, whatever it says."""
    answers = [
        ask(client, "198.51.100.40", ME, Authorization=f"Bearer x.{number}.y")
        for number in range(ANONYMOUS + 1)
    ]
    assert [answer.status_code for answer in answers] == [401] * ANONYMOUS + [429]


@pytest.mark.parametrize(
    "path",
    [
        f"{TOKEN}?next=1",
        f"{TOKEN}/",
        f"/{TOKEN}",
        TOKEN.replace("token", "%74oken"),
        TOKEN.replace("/auth/", "/%61uth/"),
        TOKEN.replace("/auth/", "/./auth/"),
        TOKEN.upper(),
        f"{TOKEN};x",
    ],
)
def test_no_spelling_of_the_login_is_counted_as_less(client: httpx.Client, path: str) -> None:
    """What reaches the login is throttled as the login."""
    place = urlsplit(str(client.base_url))
    connection = HTTPConnection(place.hostname or "", place.port, timeout=10)
    connection.request("POST", path, b"{}", {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    strict = answer.headers["RateLimit-Policy"] == NAMED["strict"]
    assert (answer.status, strict) in {(422, True), (404, False), (404, True)}


def test_probes_metrics_and_preflights_are_never_throttled(client: httpx.Client) -> None:
    """They are answered as ever where everything else is refused."""
    place = "198.51.100.50"
    while ask(client, place).status_code != 429:
        pass
    here = {"X-Forwarded-For": place}
    metrics = here | {"Authorization": "Bearer a-token-of-thirty-two-characters"}
    for _ in range(ANONYMOUS + 1):
        answers = [client.get(path, headers=here) for path in PROBES]
        answers.append(client.options(ME, headers=here | PREFLIGHT))
        answers.append(client.get("/metrics", headers=metrics))
        assert {answer.status_code for answer in answers} <= {200, 204}
        assert not any("RateLimit" in answer.headers for answer in answers)
    assert ask(client, place).status_code == 429


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_domain_brings_a_policy_of_its_own(client: httpx.Client, method: str) -> None:
    """Its route has it, whatever stands for the placeholder; everything else has not."""
    here = {"X-Forwarded-For": "198.51.100.60"}
    answers = [
        client.request(method, f"/fixture/export/{number}", headers=here) for number in range(3)
    ]
    statuses = [answer.status_code for answer in answers]
    assert statuses in ([200, 200, 429], [405, 405, 429])  # not every route takes HEAD
    assert answers[0].headers["RateLimit-Policy"] == '"exports-hour";q=2;w=3600'
    assert client.get("/fixture/export/3", headers=here).status_code == 429
    assert client.get("/fixture/settings", headers=here).status_code == 200


def test_the_login_of_the_admin_is_throttled(start: Start, framework: str) -> None:
    """By address, as the API's, and from the same bucket."""
    if framework != "django":
        pytest.skip("has no pages for admins")
    web = start("web", ENVIRONMENT="development", THROTTLE_STRICT="3/minute")
    until(lambda: "ready" in web.text, "it does not start")
    with new_client(web.url) as client:
        answers = [client.post("/admin/login/", data={"username": "x"}) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {403}  # for want of CSRF's token
        assert_is_throttled(client.post("/admin/login/"), "strict-minute", 3, 60)
        assert client.post(TOKEN, json=LOGIN).status_code == 429
        assert client.get("/admin/login/").status_code == 200
    assert web.stop() == 0


@pytest.fixture
def mend(servers: Servers) -> Iterator[None]:
    """Bring Valkey back afterwards."""
    yield
    servers.thaw("valkey")
    servers.restart("valkey")


def fallen_back(web: Role) -> int:
    """Return how many processes count for themselves, by what they said of it."""
    return len(web.find("throttle_fallback_begin")) - len(web.find("throttle_fallback_end"))


@pytest.mark.failures
@pytest.mark.full
@pytest.mark.timed
@pytest.mark.usefixtures("mend")
@pytest.mark.parametrize("how", ["freeze", "halt"])
def test_without_redis_each_process_keeps_the_limit(
    start: Start, servers: Servers, how: str
) -> None:
    """It neither opens nor closes: a little more gets through, at once, and the log says so."""
    go: Callable[[str], None] = getattr(servers, how)
    come = servers.thaw if how == "freeze" else servers.restart
    web = start(
        "web", WEB_CONCURRENCY="2", THROTTLE_STRICT="5/minute", THROTTLE_ANONYMOUS="1000/minute"
    ).wait_until_it_serves()
    until(lambda: len(web.workers()) == 2, "a process is missing")
    assert web.get("/nowhere").status_code == 404
    go("valkey")
    first = web.get("/nowhere")
    assert first.status_code == 404
    assert first.elapsed.total_seconds() < 1.5
    answers = attempts(web.url, 40)
    assert max(answer.elapsed.total_seconds() for answer in answers) < 10
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses.keys() == {401, 429}
    assert 5 <= statuses[401] <= 10
    for answer in answers:
        if answer.status_code == 429:
            assert_is_throttled(answer, "strict-minute", 5, 60)
    told = web.find("throttle_fallback_begin")
    assert {(event["level"], event["logger"]) for event in told} == {("warning", "throttle")}
    assert len({event["pid"] for event in told}) == len(told) <= 2
    come("valkey")

    def is_back() -> bool:
        return not (web.get("/nowhere").status_code == 404 and fallen_back(web))

    until(is_back, "Redis is not taken back", 20)
    with redis.Redis.from_url(servers.urls["REDIS_URL"]) as client:
        client.flushdb()
    assert Counter(answer.status_code for answer in attempts(web.url, 20)) == {401: 5, 429: 15}
    assert web.stop() == 0
