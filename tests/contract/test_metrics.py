"""What /metrics says is true across processes, bounded, and for whoever has the token."""

import os
import re
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.contract.conftest import Start
from tests.contract.people import ARTICLES, ME, NOBODY, TOKEN, bearer, new_person
from tests.contract.test_http import PROBES, assert_is_problem
from tests.harness.programs import installed
from tests.harness.roles import Role, new_client
from tests.harness.waiting import until

TOKEN_OF_METRICS = "a-token-of-thirty-two-characters"
SECONDS = "http_server_request_duration_seconds"
ACTIVE = "http_server_active_requests"
PROCESSES = 4
Series = tuple[str, frozenset[tuple[str, str]]]
Samples = dict[Series, float]


@pytest.fixture(scope="module")
def changes() -> dict[str, str]:
    """Return processes of which each sees but a part."""
    return {
        "WEB_CONCURRENCY": str(PROCESSES),
        "MAX_REQUESTS": "0",
        "METRICS_TOKEN": TOKEN_OF_METRICS,
        "DATABASE_POOL_MAX": "4",
    }


def scrape(web: Role) -> Samples:
    """Return the value of every series by its name and labels."""
    answer = web.get("/metrics", headers=bearer(TOKEN_OF_METRICS))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """Return the sum of the series of this name that have these labels."""
    wanted = labels.items()
    return sum(v for (n, found), v in samples.items() if n == name and wanted <= set(found))


def served(web: Role, route: str, **labels: str) -> float:
    """Return how many requests of a route were counted."""
    return value(scrape(web), f"{SECONDS}_count", http_route=route, **labels)


def is_served(web: Role, route: str, count: float) -> bool:
    """Return whether so many requests of a route were counted, no more and no fewer."""
    return served(web, route) == count


def send_many(url: str, paths: list[str], clients: int = 16, keep: bool = True) -> None:
    """Ask for all of them, each client on a connection that it keeps, or on ever new ones."""
    place, headers = urlsplit(url), {} if keep else {"Connection": "close"}

    def some(part: list[str]) -> None:
        connection = HTTPConnection(place.hostname or "", place.port, timeout=30)
        for path in part:
            connection.request("GET", path, headers=headers)
            connection.getresponse().read()
        connection.close()

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(some, [paths[number::clients] for number in range(clients)]))


def test_a_thousand_requests_are_a_thousand(web: Role) -> None:
    """Whichever process is asked, it knows of all of them, by template and never by path."""
    route = "/fixture/note/{text}"
    before = served(web, route)
    until(lambda: len(web.workers()) == PROCESSES, "a process is missing")
    send_many(web.url, [f"/fixture/note/n{number}" for number in range(1000)], keep=False)
    # The last ones are counted a moment after their answers are sent.
    until(partial(is_served, web, route, before + 1000), "some are not counted", 5)
    for _ in range(2 * PROCESSES):
        found = scrape(web)
        assert value(found, f"{SECONDS}_count", http_route=route) - before == 1000
    labels = {
        "http_request_method": "GET",
        "http_route": route,
        "http_response_status_code": "200",
    }
    assert value(found, f"{SECONDS}_count", **labels) == before + 1000
    assert value(found, f"{SECONDS}_bucket", le="+Inf", **labels) == before + 1000
    assert value(found, f"{SECONDS}_sum", **labels) > 1000 * 0.02
    told = [event["pid"] for event in web.find("request_finished", route=route)]
    assert len(set(told)) > 1


@pytest.mark.parametrize(
    ("request_", "route", "status"),
    [
        (f"GET {ARTICLES}/{NOBODY}", f"{ARTICLES}/{{article_id}}", "401"),
        (f"GET {ME}", ME, "401"),
        ("GET /", "/", "200"),
        ("HEAD /", "/", "200"),
        ("POST /", "/", "405"),
        ("GET /fixture/crash", "/fixture/crash", "500"),
        ("GET /nowhere", "", "404"),
    ],
)
def test_a_request_is_counted_by_method_template_and_status(
    web: Role, client: httpx.Client, request_: str, route: str, status: str
) -> None:
    """As OpenTelemetry names them; the log has the same template."""
    method, path = request_.split(" ")
    labels = {"http_request_method": method, "http_response_status_code": status}
    before = served(web, route, **labels)
    client.request(method, path)
    until(lambda: served(web, route, **labels) == before + 1, "it is not counted", 5)


def test_probes_and_scrapes_are_not_counted(web: Role, client: httpx.Client) -> None:
    """They say nothing of what the service does for anybody."""
    before = value(scrape(web), f"{SECONDS}_count")
    for path in [*PROBES, "/metrics"] * 5:
        client.get(path)
    assert value(scrape(web), f"{SECONDS}_count") == before


def assert_paths_add_nothing(web: Role, count: int) -> None:
    send_many(web.url, ["/nowhere"], 1)
    unknown = {"http_request_method": "GET", "http_response_status_code": "404"}
    until(lambda: served(web, "", **unknown), "it is not counted", 5)
    before = set(scrape(web))
    send_many(web.url, [f"/{uuid.uuid4()}/{uuid.uuid4().hex[:7]}" for _ in range(count)])
    assert set(scrape(web)) == before


def test_unknown_paths_share_one_series(web: Role) -> None:
    """Who tries all paths there are does not fill the memory."""
    assert_paths_add_nothing(web, 500)
    before = set(scrape(web))
    for method in ("BREW", "PROPFIND", "TRACE", "OPTIONS"):
        with new_client(web.url) as client:
            client.request(method, "/nowhere")
    new = {dict(labels)["http_request_method"] for _, labels in set(scrape(web)) - before}
    assert new <= {"_OTHER", "OPTIONS"}


@pytest.mark.full
def test_ten_thousand_unknown_paths_share_one_series(web: Role) -> None:
    """Nor after a long while."""
    began = time.monotonic()
    assert_paths_add_nothing(web, 10_000)
    print(f"10,000 unknown paths in {time.monotonic() - began:.0f} s")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("another-token-of-32-characters--"),
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {TOKEN_OF_METRICS}"},
        {"Cookie": f"token={TOKEN_OF_METRICS}"},
    ],
    ids=["none", "another", "empty", "basic", "cookie"],
)
def test_without_the_token_there_are_no_metrics(
    client: httpx.Client, headers: dict[str, str]
) -> None:
    """Figures tell an attacker what works."""
    answer = client.get("/metrics", headers=headers)
    assert_is_problem(answer, 401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert SECONDS not in answer.text


def test_without_a_token_set_production_has_no_metrics(start: Start) -> None:
    """Who forgot it shows nothing to anybody; development shows them to its developer."""
    web = start("web").wait_until_it_serves()
    for headers in ({}, {"Authorization": "Bearer"}, bearer("None")):
        assert web.get("/metrics", headers=headers).status_code == 401
    assert web.stop() == 0
    local = start("web", ENVIRONMENT="development")
    until(lambda: _answers(local), "no answer")
    assert ACTIVE in local.get("/metrics").text
    assert local.stop() == 0


def _answers(web: Role) -> bool:
    try:
        return web.get("/live").status_code == 200
    except httpx.TransportError:
        return False


def test_metrics_take_get_and_head_alone(client: httpx.Client) -> None:
    """As the probes do."""
    good = bearer(TOKEN_OF_METRICS)
    assert client.head("/metrics", headers=good).content == b""
    answer = client.post("/metrics", headers=good)
    assert_is_problem(answer, 405, "method_not_allowed")


def exhaust(client: httpx.Client) -> None:
    for number in range(3):
        client.get(f"/fixture/export/{number}")


Act = Callable[[httpx.Client], object]
SCENARIOS: dict[str, tuple[str, dict[str, str], Act]] = {
    "a crash": (
        "http_server_exceptions_total",
        {"http_route": "/fixture/crash"},
        lambda client: client.get("/fixture/crash"),
    ),
    "a denial": ("throttle_denials_total", {"policy": "exports"}, exhaust),
    "a wrong password": (
        "auth_failures_total",
        {},
        lambda client: client.post(TOKEN, json={"email": "nobody@example.org", "password": "x"}),
    ),
    "a forged token": (
        "auth_failures_total",
        {},
        lambda client: client.get(ME, headers=bearer("x.y.z")),
    ),
    "a login": (
        "auth_tokens_total",
        {"event": "issued"},
        lambda client: new_person(str(client.base_url)).http.close(),
    ),
}


@pytest.mark.parametrize(("name", "labels", "act"), SCENARIOS.values(), ids=SCENARIOS)
def test_what_happens_is_counted(
    web: Role, client: httpx.Client, name: str, labels: dict[str, str], act: Act
) -> None:
    """Each by one, so that a rule of alerting can tell one from the other."""
    before = value(scrape(web), name, **labels)
    act(client)
    until(lambda: value(scrape(web), name, **labels) == before + 1, "it is not counted", 5)


def test_the_service_is_named_once(web: Role) -> None:
    """However many processes there are."""
    found = [
        (dict(labels), v) for (name, labels), v in scrape(web).items() if name == "service_info"
    ]
    [(labels, one)] = found
    assert one == 1
    assert labels.keys() == {"version", "template_version"}


def test_requests_in_progress_are_seen(web: Role) -> None:
    """While they last, and no longer; what is asked to tell it is none of them."""
    assert value(scrape(web), ACTIVE) == 0
    with ThreadPoolExecutor(6) as pool:
        slow = [pool.submit(web.get, "/fixture/slow?seconds=2") for _ in range(6)]
        until(lambda: value(scrape(web), ACTIVE) == 6, "they are not seen", 2)
        assert {each.result().status_code for each in slow} == {200}
    until(lambda: value(scrape(web), ACTIVE) == 0, "they are seen for ever", 5)


def test_promtool_finds_nothing_to_say(web: Role) -> None:
    """Prometheus's own check of names, types and helps."""
    promtool = installed("promtool", package="prometheus")
    text = web.get("/metrics", headers=bearer(TOKEN_OF_METRICS)).content
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


# Processes that come and go


def places(web: Role) -> set[str]:
    """Return the places whose files of metrics there are."""
    environ = Path(f"/proc/{web.workers()[-1]}/environ").read_bytes().split(b"\0")
    [folder] = [each[25:] for each in environ if each.startswith(b"PROMETHEUS_MULTIPROC_DIR=")]
    files = os.listdir(folder.decode())
    found = [re.fullmatch(r"\w+?_([a-z]+|\d+)\.db", name) for name in files]
    assert all(found), files
    return {each[1] for each in found if each}


@pytest.fixture
def recycled(start: Start) -> Iterator[Role]:
    """Yield a service whose processes are replaced all the time."""
    web = start("web", WEB_CONCURRENCY="2", MAX_REQUESTS="40", METRICS_TOKEN=TOKEN_OF_METRICS)
    yield web.wait_until_it_serves()
    assert web.stop() == 0


@pytest.mark.full
def test_what_a_process_counted_outlives_it(recycled: Role) -> None:
    """After many replacements the sum is what was sent, in as many files as at the beginning."""
    route, sent, deadline = "/fixture/settings", 0, time.monotonic() + 60
    while len(recycled.find("worker_exited")) < 6:
        assert time.monotonic() < deadline, "they are not replaced"
        with new_client(recycled.url) as client:
            for _ in range(20):
                # A connection that is kept may end while its next request is on its way.
                headers = {"Connection": "close"}
                assert client.get(route, headers=headers).status_code == 200
        sent += 20
        until(partial(is_served, recycled, route, sent), "some are not counted", 5)
        time.sleep(0.2)
    assert len(places(recycled) - {"arbiter"}) <= 2 + 1


def test_a_killed_process_leaves_no_request_in_progress(start: Start) -> None:
    """What it was at dies with it; what it had counted stays."""
    web = start("web", WEB_CONCURRENCY="2", METRICS_TOKEN=TOKEN_OF_METRICS).wait_until_it_serves()
    until(lambda: len(web.workers()) == 2, "a process is missing")
    send_many(web.url, ["/fixture/settings"] * 40, 8)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(web.get, "/fixture/slow?seconds=3")
        until(lambda: value(scrape(web), ACTIVE) == 8, "they are not seen", 3)
        for victim in web.workers()[:2]:
            os.kill(victim, signal.SIGKILL)
            web.wait_for("worker_exited", worker_pid=victim)
    until(lambda: len(web.workers()) == 4, "they are not replaced")
    until(lambda: value(scrape(web), ACTIVE) == 0, "they are seen for ever", 5)
    assert served(web, "/fixture/settings") == 40
    assert web.stop() == 0
