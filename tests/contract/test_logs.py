"""What a service writes: one JSON object a line, with the right id, and nobody's secret."""

import asyncio
import re
from collections import Counter

import httpx
import pytest

from tests.contract.conftest import Start
from tests.contract.test_http import assert_is_problem
from tests.harness.roles import Event, Role
from tests.harness.waiting import until

REQUEST = {"method", "route", "status", "duration_ms", "bytes", "client_ip", "db_queries"}
REQUEST |= {"db_ms", "cache_hits", "cache_misses", "request_id"}
PLANTED = "tok-5c1fe9a07d334b1e"  # as what a caller keeps to itself


@pytest.fixture(scope="module")
def changes() -> dict[str, str]:
    """Return two processes that take everything at once."""
    return {"WEB_CONCURRENCY": "2", "MAX_CONCURRENT_REQUESTS": "500"}


def line_of(web: Role, answer: httpx.Response) -> Event:
    """Return the one line of a request."""
    name = answer.headers["X-Request-ID"]
    found = until(lambda: web.find("request_finished", request_id=name), f"no line of {name}")
    assert len(found) == 1
    return found[0]


def test_a_request_writes_one_line_with_its_figures(web: Role, client: httpx.Client) -> None:
    """The keys are those of the contract, and the figures are right."""
    answer = client.get("/fixture/rows")
    line = line_of(web, answer)
    assert line.keys() >= REQUEST
    assert (line["method"], line["route"], line["status"]) == ("GET", "/fixture/rows", 200)
    assert line["bytes"] == len(answer.content)
    assert line["client_ip"] == "127.0.0.1"
    assert line["db_queries"] == 1
    assert 0 < line["db_ms"] < line["duration_ms"] < 5000
    assert (line["environment"], line["role"]) == ("production", "web")
    assert line["timestamp"].endswith(("Z", "+00:00"))
    assert line["pid"] in web.workers()


def test_nobody_invents_an_address(web: Role, client: httpx.Client) -> None:
    """Without a proxy that is trusted, the client is who is connected."""
    claims = {"X-Forwarded-For": "1.2.3.4", "X-Real-IP": "1.2.3.4", "Forwarded": "for=1.2.3.4"}
    assert line_of(web, client.get("/", headers=claims))["client_ip"] == "127.0.0.1"


CHAINS = [
    ([], "127.0.0.1"),
    (["203.0.113.7"], "203.0.113.7"),
    (["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
    (["203.0.113.7, 10.0.0.9"], "203.0.113.7"),
    (["1.1.1.1", "203.0.113.7", "10.0.0.9"], "203.0.113.7"),
    (["1.1.1.1, 203.0.113.7, 10.0.0.9, 2001:db8:ffff::9"], "203.0.113.7"),
    (["2001:DB8::0007"], "2001:db8::7"),
    (["[2001:db8::7]:4711, 10.0.0.9"], "2001:db8::7"),
    (["203.0.113.7:4711"], "203.0.113.7"),
    (["::ffff:203.0.113.7"], "203.0.113.7"),
    (["203.0.113.7, nonsense"], "127.0.0.1"),
    (["10.0.0.8, 10.0.0.9"], "10.0.0.8"),
    (['x"}\\n{"event": "forged"}'], "127.0.0.1"),
    (["fe80::1%forged"], "fe80::1"),
]


def test_behind_proxies_the_line_has_the_client(start: Start) -> None:
    """The last of a chain who is no proxy of ours, whatever is claimed before."""
    proxies = "127.0.0.1,10.0.0.0/8,2001:db8:ffff::/48"
    web = start("web", TRUSTED_PROXIES=proxies).wait_until_it_serves()
    for hops, client_ip in CHAINS:
        headers = [("X-Forwarded-For", hop) for hop in hops]
        assert line_of(web, web.get("/", headers=headers))["client_ip"] == client_ip, hops
    assert not web.find("forged")
    assert web.stop() == 0


def test_a_route_is_logged_as_its_template(web: Role, client: httpx.Client) -> None:
    """Paths are endless, templates can be counted; an unknown path has none."""
    assert line_of(web, client.get("/fixture/note/abc"))["route"] == "/fixture/note/{text}"
    assert line_of(web, client.get("/fixture/nowhere"))["route"] is None


def test_cache_use_is_counted(web: Role, client: httpx.Client) -> None:
    """The first look misses, the second hits."""
    lines = [line_of(web, client.get("/fixture/cached?key=counted")) for _ in range(2)]
    assert [(line["cache_hits"], line["cache_misses"]) for line in lines] == [(0, 1), (1, 0)]


def test_a_crash_is_a_problem_without_internals_and_a_stack_in_the_log(
    web: Role, client: httpx.Client
) -> None:
    """The caller gets an id, whoever reads the log finds the stack by it."""
    answer = client.get("/fixture/crash", headers={"X-Request-ID": "crash-1"})
    assert_is_problem(answer, 500, "internal_error")
    assert answer.json()["request_id"] == "crash-1"
    assert "internal detail" not in answer.text
    assert line_of(web, answer)["status"] == 500
    [event] = [event for event in web.events if "RuntimeError" in event.get("exception", "")]
    assert event["request_id"] == "crash-1"
    assert event["level"] in {"error", "critical"}
    assert "internal detail 23" in event["exception"]


def test_a_refusal_by_the_domain_is_a_problem(web: Role, client: httpx.Client) -> None:
    """An expected failure has its own status and code, and no stack."""
    answer = client.post("/fixture/rows", json={"text": "refused", "fail": "refuse"})
    assert_is_problem(answer, 409, "refused")
    name = answer.headers["X-Request-ID"]
    assert line_of(web, answer)["status"] == 409
    assert not [
        event for event in web.events if event.get("request_id") == name and "exception" in event
    ]


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/fixture/rows", ""),
        ("/fixture/crash", ""),
        ("/fixture/nowhere", ""),
        ("/fixture/rows", "evil.test"),
    ],
    ids=["answered", "crashed", "unknown", "refused"],
)
def test_what_a_caller_sends_is_never_logged(
    web: Role, client: httpx.Client, path: str, host: str
) -> None:
    """No header, query, cookie or body gets into a line, whatever becomes of the request."""
    headers = {
        "Authorization": f"Bearer {PLANTED}",
        "X-Api-Key": PLANTED,
        "Cookie": f"session={PLANTED}",
    }
    headers |= {"Host": host} if host else {}
    body = {"text": "short", "fail": "refuse", "password": PLANTED}
    for method in ("GET", "POST"):
        answer = client.request(
            method,
            f"{path}?token={PLANTED}",
            headers=headers,
            json=body if method == "POST" else None,
        )
        line_of(web, answer)
    assert PLANTED not in web.text


def test_five_hundred_requests_at_once_keep_their_ids_apart(web: Role, url: str) -> None:
    """Every line that a request's code writes has that request's id."""
    names = [f"note-{number}" for number in range(500)]

    async def send_all() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=url, limits=limits, trust_env=False, timeout=60
        ) as crowd:
            sent = [
                crowd.get(f"/fixture/note/{name}", headers={"X-Request-ID": f"id-{name}"})
                for name in names
            ]
            return await asyncio.gather(*sent)

    answers = asyncio.run(send_all())
    assert Counter(answer.status_code for answer in answers) == {200: 500}
    for name, answer in zip(names, answers, strict=True):
        assert answer.headers["X-Request-ID"] == f"id-{name}"
        assert answer.json() == {"text": name}

    def notes() -> list[Event]:
        return [event for event in web.find("noted") if event["text"] in names]

    until(lambda: len(notes()) == 500, "lines are missing")
    assert {(event["text"], event["request_id"]) for event in notes()} == {
        (name, f"id-{name}") for name in names
    }
    finished = [
        event["request_id"]
        for event in web.find("request_finished", route="/fixture/note/{text}")
        if event["request_id"].startswith("id-note-")
    ]
    assert Counter(finished) == Counter(f"id-{name}" for name in names)


def test_probes_write_no_line(web: Role, client: httpx.Client) -> None:
    """A thousand probes a minute do not bury what matters."""
    client.get("/ready")  # what the first look says is not about the probe
    before = len(web.lines)
    for path in ["/live", "/ready", "/health", "/healthz"] * 50:
        assert client.get(path).status_code == 200
    line_of(web, client.get("/"))
    assert [event["event"] for event in web.events[before:]] == ["request_finished"]


def test_a_slow_request_is_a_warning(web: Role, client: httpx.Client) -> None:
    """Above half a second a request stands out, below it does not."""
    slow = line_of(web, client.get("/fixture/slow?seconds=0.6"))
    assert (slow["level"], slow["duration_ms"] > 600) == ("warning", True)
    assert line_of(web, client.get("/fixture/slow?seconds=0.01"))["level"] == "info"


def test_a_production_boot_says_no_sql_and_no_escape_codes(web: Role, client: httpx.Client) -> None:
    """Statements stay out of the log, and colours are for terminals."""
    line_of(web, client.get("/fixture/rows"))
    assert not re.search(r"\b(SELECT|INSERT|BEGIN|SAVEPOINT)\b", web.text)
    assert "\\u001b" not in web.text
    assert "\x1b" not in web.text


@pytest.mark.parametrize(
    ("level", "heard"), [("debug", {"noticed", "noted"}), ("WARNING", set())], ids=["loud", "quiet"]
)
def test_the_level_decides_what_is_heard(start: Start, level: str, heard: set[str]) -> None:
    """One variable turns the volume up or down, and is taken in any case."""
    web = start("web", LOG_LEVEL=level)
    until(lambda: _answers(web), "no answer")
    assert web.get("/fixture/note/x").status_code == 200
    assert web.get("/fixture/slow?seconds=0.6").status_code == 200
    web.wait_for("request_finished", level="warning")
    assert {event["event"] for event in web.events if event.get("text") == "x"} == heard
    assert web.stop() == 0


def _answers(web: Role) -> bool:
    try:
        return web.get("/live").status_code == 200
    except httpx.TransportError:
        return False


def test_development_is_readable(start: Start) -> None:
    """A person at a terminal reads lines, not JSON, and no colours where they are piped."""
    web = start("web", ENVIRONMENT="development")
    until(lambda: "ready" in web.text and _answers(web), "no answer")
    assert web.get("/fixture/note/readable").status_code == 200
    until(lambda: "noted" in web.text, "no line")
    assert not web.events
    assert "\x1b" not in web.text
    assert web.stop() == 0
