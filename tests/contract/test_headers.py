"""What every answer tells a browser, who is sent to https, and what a cookie is worth: nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from tests.contract.conftest import Start
from tests.contract.people import (
    ARTICLES,
    ME,
    PASSWORD,
    REGISTER,
    REVOKE,
    Person,
    bearer,
    new_person,
    user_of,
)
from tests.contract.test_http import PROBES, assert_is_problem, exchange
from tests.harness.projects import Project
from tests.harness.roles import Role, free_port, new_client
from tests.harness.servers import Servers
from tests.harness.waiting import until

LIMIT = 4  # requests at once
METRICS_TOKEN = "a-token-of-thirty-two-characters"
HOST = {"Host": "service.test"}
ORIGIN = {"Origin": "https://app.test"}
JSON = {"Content-Type": "application/json"}
EXPOSED = {"ratelimit", "ratelimit-policy", "retry-after", "x-request-id"}
DATA = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"
PAGE = (
    "default-src 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; "
    "img-src 'self' data:; script-src 'self'; style-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


Headers = dict[str, str]


class Answer(NamedTuple):
    """An answer with every header line that it had, names in lower case."""

    status: int
    lines: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Return the values of a header, one for each line."""
        return [value for found, value in self.lines if found == name]


def ask(url: str, request: str, headers: Headers | None = None, body: bytes = b"") -> Answer:
    """Send one request, `GET /path`."""
    place, (method, path) = urlsplit(url), request.split(" ", 1)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=30)
    connection.request(method, path, body or None, headers or {})
    answer = connection.getresponse()
    lines = [(name.lower(), value) for name, value in answer.getheaders()]
    found = Answer(answer.status, lines, answer.read())
    connection.close()
    return found


def assert_is_dressed(answer: Answer, https: bool = False) -> None:
    """Check the headers that every answer has, each of them once."""
    assert {name: answer.all(name) for name in ALWAYS} == {n: [v] for n, v in ALWAYS.items()}
    page = answer.all("content-type")[:1] == ["text/html; charset=utf-8"]
    assert answer.all("content-security-policy") == [PAGE if page else DATA]
    assert answer.all("strict-transport-security") == ["max-age=31536000"] * https
    assert len(answer.all("x-request-id")) == 1
    assert len(answer.all("content-type")) <= 1
    assert answer.all("server") == []
    assert answer.all("x-powered-by") == []


@pytest.fixture(scope="module")
def changes() -> dict[str, str]:
    """Return what lets a few requests reach every status."""
    return {
        "API_DOCS_ENABLED": "true",
        "MAX_CONCURRENT_REQUESTS": str(LIMIT),
        "METRICS_TOKEN": METRICS_TOKEN,
        "DATABASE_STATEMENT_TIMEOUT": "2",
    }


@pytest.fixture(scope="module")
def people(web: Role) -> Iterator[tuple[Person, Person]]:
    """Yield two users."""
    found = new_person(web.url), new_person(web.url)
    yield found
    for person in found:
        person.http.close()


def json_of(**fields: str) -> bytes:
    return httpx.Request("POST", "http://x", json=fields).content


# Status, request, its headers, its body.
REGISTRATION = json_of(email="again@example.org", password=PASSWORD)
CASES: dict[str, tuple[int, str, Headers, bytes]] = {
    "200": (200, "GET /", {}, b""),
    "200 head": (200, "HEAD /", {}, b""),
    "200 document": (200, "GET /api/schema", {}, b""),
    "204": (204, f"POST {REVOKE}", JSON, json_of(refresh_token="none of ours")),
    "400 host": (400, "GET /", {"Host": "evil.test"}, b""),
    "400 body": (400, f"POST {REGISTER}", JSON, b"{"),
    "401": (401, f"GET {ME}", {}, b""),
    "401 token": (401, f"GET {ME}", bearer("x.y.z"), b""),
    "404": (404, "GET /nowhere", {}, b""),
    "405": (405, "POST /", {}, b""),
    "405 probe": (405, "POST /live", {}, b""),
    "409": (409, f"POST {REGISTER}", JSON, REGISTRATION),
    "413": (413, f"POST {REGISTER}", JSON, b"9" * (1024 * 1024 + 1)),
    "415": (415, f"POST {REGISTER}", {"Content-Type": "text/plain"}, b"email=x"),
    "422": (422, f"POST {REGISTER}", JSON, b"{}"),
    "429": (429, "GET /fixture/export/1", {}, b""),
    "500": (500, "GET /fixture/crash", {}, b""),
    "503 statement": (503, "GET /fixture/sleep?seconds=20", {}, b""),
    "preflight": (200, f"OPTIONS {ME}", ORIGIN | {"Access-Control-Request-Method": "GET"}, b""),
    "metrics": (200, "GET /metrics", bearer(METRICS_TOKEN), b""),
    "metrics 401": (401, "GET /metrics", {}, b""),
    "docs": (200, "GET /api/docs", {}, b""),
    **{probe: (200, f"GET {probe}", {}, b"") for probe in [*PROBES, "/live/"]},
}


@pytest.fixture(scope="module")
def _prepared(web: Role) -> None:
    """Have somebody registered already, and the exports used up."""
    ask(web.url, f"POST {REGISTER}", JSON, REGISTRATION)
    for number in range(2):
        ask(web.url, f"GET /fixture/export/{number}")


@pytest.mark.usefixtures("_prepared")
@pytest.mark.parametrize("case", CASES)
def test_every_answer_is_dressed_once(web: Role, case: str) -> None:
    """Whatever became of the request; nothing tells of the server, and no cookie is set."""
    status, request, headers, body = CASES[case]
    answer = ask(web.url, request, headers, body)
    assert answer.status == status
    assert_is_dressed(answer)
    assert answer.all("set-cookie") == []


def test_answers_to_users_are_dressed_too(web: Role, people: tuple[Person, Person]) -> None:
    """What was made, what has not changed, what one may not do, and what is gone."""
    one, other = people
    mine, theirs = one.http.headers, other.http.headers
    token, foreign = ({"Authorization": each["Authorization"]} for each in (mine, theirs))
    title = json_of(title="A title", body="A body.", status="published")
    made = ask(web.url, f"POST {ARTICLES}", JSON | token, title)
    path = made.all("location")[0]
    tag = ask(web.url, f"GET {path}", token).all("etag")[0]
    answers = {
        201: made,
        304: ask(web.url, f"GET {path}", token | {"If-None-Match": tag}),
        403: ask(web.url, f"GET {user_of(other)}", token),
        404: ask(web.url, f"DELETE {path}", foreign),
        204: ask(web.url, f"DELETE {path}", token),
    }
    for status, answer in answers.items():
        assert answer.status in (status, 403)
        assert_is_dressed(answer)
        assert answer.all("set-cookie") == []


def test_a_refusal_for_overload_is_dressed(web: Role) -> None:
    """It is made before anything else of the service is reached."""
    with ThreadPoolExecutor(2 * LIMIT) as pool:  # more than find a place: some places are ours
        slow = [pool.submit(web.get, "/fixture/slow?seconds=2") for _ in range(2 * LIMIT)]
        [answer] = until(lambda: unavailable(web, "/"), "nothing is refused", 2)
        assert_is_dressed(answer)
        for each in slow:
            each.result()


def test_the_page_of_the_api_has_a_policy_that_it_keeps(web: Role) -> None:
    """It is a page of files of this service: no script or style stands in it."""
    page = ask(web.url, "GET /api/docs")
    assert page.all("content-security-policy") == [PAGE]
    text = page.body.decode()
    assets = [part.split('"')[0] for part in text.split('"/api/docs/')[1:]]
    assert len(assets) == 3
    assert "<style" not in text
    assert "style=" not in text
    assert text.count("<script") == text.count("<script src=")
    for asset in assets:
        answer = ask(web.url, f"GET /api/docs/{asset}")
        assert answer.status == 200
        assert_is_dressed(answer)


@pytest.mark.failures
@pytest.mark.full
def test_without_postgresql_every_answer_is_dressed(web: Role, servers: Servers) -> None:
    """A refusal for want of the database is an answer like any other."""
    servers.halt("postgres")
    try:
        for path in ("/fixture/rows", "/ready", "/health"):
            [answer] = until(partial(unavailable, web, path), "it does not notice", 10)
            assert_is_dressed(answer)
    finally:
        servers.restart("postgres")
    until(lambda: web.get("/ready").status_code == 200, "not ready again", 20)


def unavailable(web: Role, path: str) -> list[Answer]:
    """Return the refusal, if it is one."""
    answer = ask(web.url, f"GET {path}")
    return [answer] if answer.status == 503 else []


# Origins


@pytest.mark.parametrize("path", [ME, "/", "/nowhere"])
def test_a_listed_origin_may_ask(web: Role, path: str) -> None:
    """A preflight names it alone, with the headers that clients send; credentials are no part."""
    asked = {"Access-Control-Request-Method": "PATCH"}
    asked |= {"Access-Control-Request-Headers": "authorization,content-type"}
    answer = ask(web.url, f"OPTIONS {path}", ORIGIN | asked)
    assert answer.status == 200
    assert answer.all("access-control-allow-origin") == ["https://app.test"]
    assert answer.all("access-control-allow-credentials") == []
    assert "PATCH" in answer.all("access-control-allow-methods")[0]
    allowed = answer.all("access-control-allow-headers")[0].lower()
    assert {"authorization", "content-type"} <= set(allowed.split(", "))
    assert "origin" in answer.all("vary")[0].lower()


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://evil.test",
        "http://app.test",
        "https://app.test.evil.test",
        "https://app.test:8443",
        "https://sub.app.test",
        "HTTPS://APP.TEST.",
        "*",
    ],
)
@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
def test_another_origin_gets_nothing(web: Role, method: str, origin: str) -> None:
    """A browser keeps the answer from it."""
    asked = {"Access-Control-Request-Method": "GET"} if method == "OPTIONS" else {}
    answer = ask(web.url, f"{method} /", asked | {"Origin": origin})
    assert answer.all("access-control-allow-origin") == []
    assert answer.all("access-control-allow-credentials") == []


@pytest.mark.usefixtures("_prepared")
@pytest.mark.parametrize("case", ["200", "401", "404", "405", "415", "422", "429", "500"])
def test_a_listed_origin_may_read_failures(web: Role, case: str) -> None:
    """The client's code sees the problem, its id, and how long to wait."""
    status, request, headers, body = CASES[case]
    answer = ask(web.url, request, headers | ORIGIN, body)
    assert answer.status == status
    assert answer.all("access-control-allow-origin") == ["https://app.test"]
    exposed = answer.all("access-control-expose-headers")
    assert [set(line.lower().split(", ")) for line in exposed] == [EXPOSED]
    assert "origin" in ", ".join(answer.all("vary")).lower()


# Cookies


@pytest.mark.parametrize("name", ["sessionid", "access_token", "token", "Authorization"])
def test_a_cookie_is_nobody(web: Role, people: tuple[Person, Person], name: str) -> None:
    """Not even with a good token in it: no other site makes a browser write here."""
    token = people[0].http.headers["Authorization"]
    for value in (token.removeprefix("Bearer "), token.replace(" ", "%20")):
        for origin in ({}, ORIGIN):
            headers = JSON | origin | {"Cookie": f"{name}={value}"}
            answer = ask(web.url, f"POST {ARTICLES}", headers, json_of(title="T", body="B"))
            assert answer.status == 401
            assert answer.all("set-cookie") == []


# Transport


@pytest.fixture(scope="module")
def tls(project: Project, environment: dict[str, str]) -> Iterator[Role]:
    """Yield a service that sends everybody to https and knows no proxy."""
    environ = {name: text for name, text in environment.items() if name != "HTTPS_REDIRECT"}
    environ |= {"PORT": free_port(), "METRICS_TOKEN": METRICS_TOKEN}
    with Role(project, "web", environ=environ) as role:
        yield role.wait_until_it_serves()
        assert role.stop() == 0


@pytest.mark.parametrize(
    ("method", "status"),
    [("GET", 301), ("HEAD", 301), ("POST", 308), ("PUT", 308), ("PATCH", 308), ("DELETE", 308)],
)
def test_http_is_sent_to_https(tls: Role, method: str, status: int) -> None:
    """To the same place; what writes keeps its method and its body."""
    body = b"{}" if method in {"POST", "PUT", "PATCH"} else b""
    answer = ask(tls.url, f"{method} /api/v1/tags?a=1&b=%20x", HOST, body)
    assert answer.status == status
    assert answer.all("location") == ["https://service.test/api/v1/tags?a=1&b=%20x"]
    assert (answer.body, answer.all("content-type")) == (b"", [])
    assert_is_dressed(answer)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/", "/"),
        ("/nowhere?next=//evil.test", "/nowhere?next=//evil.test"),
        ("//evil.test/x", "//evil.test/x"),
        ("/%0d%0aX-Injected:%20yes", "/%0D%0AX-Injected:%20yes"),
        ("/a%3Fb%23c%25d", "/a%3Fb%23c%25d"),
        ("/%E2%98%83?q=%E2%98%83", "/%E2%98%83?q=%E2%98%83"),
        ("/@evil.test", "/@evil.test"),
        ("/\\evil.test", "/%5Cevil.test"),
    ],
)
def test_nobody_is_sent_elsewhere(tls: Role, path: str, place: str) -> None:
    """Host and path stay what they were, in one line, whatever is in them."""
    answer = ask(tls.url, f"GET {path}", HOST)
    assert answer.status == 301
    [location] = answer.all("location")
    assert location.startswith("https://service.test/")
    assert location.isascii()
    assert answer.all("x-injected") == []
    assert location.upper() == f"https://service.test{place}".upper()


def test_no_request_line_names_another_host(tls: Role) -> None:
    """A path that does not begin with a slash does not go on with the host."""
    for target in ("@evil.test", ".evil.test", ":443@evil.test"):
        request = f"GET {target} HTTP/1.1\r\nHost: service.test\r\nConnection: close\r\n\r\n"
        head = exchange(tls.url, request.encode()).decode("latin-1").lower()
        location = head.partition("location: ")[2].partition("\r\n")[0]
        assert location.startswith("https://service.test/") or " 400 " in head[:20]


def test_a_foreign_host_is_refused_before_it_is_sent_anywhere(tls: Role) -> None:
    """A redirect to a name that is not ours would help a phisher."""
    answer = ask(tls.url, "GET /", {"Host": "evil.test"})
    assert (answer.status, answer.all("location")) == (400, [])
    assert_is_dressed(answer)


@pytest.mark.parametrize(
    "claim",
    [
        {"X-Forwarded-Proto": "https"},
        {"X-Forwarded-Ssl": "on"},
        {"X-Forwarded-Scheme": "https"},
        {"X-Forwarded-Protocol": "ssl"},
        {"Forwarded": "proto=https"},
        {"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"},
    ],
    ids=str,
)
def test_a_client_cannot_say_that_it_came_by_https(tls: Role, claim: dict[str, str]) -> None:
    """Only proxies that are named are believed."""
    answer = ask(tls.url, "GET /", claim)
    assert answer.status == 301
    assert answer.all("strict-transport-security") == []


def test_probes_and_metrics_are_never_redirected(tls: Role) -> None:
    """Who asks them is inside, by address and without TLS, some with no Host at all."""
    for path in PROBES:
        assert ask(tls.url, f"GET {path}").status == 200
    assert ask(tls.url, "GET /metrics").status == 401
    for line in ("GET /metrics HTTP/1.0", "GET /metrics HTTP/1.1\r\nHost: 10.1.2.3:8000"):
        request = f"{line}\r\nConnection: close\r\nAuthorization: Bearer {METRICS_TOKEN}\r\n\r\n"
        assert exchange(tls.url, request.encode()).split(b"\r\n")[0].split(b" ")[1] == b"200"


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({}, ["max-age=31536000"]),
        ({"HSTS_SECONDS": "60"}, ["max-age=60"]),
        ({"HSTS_INCLUDE_SUBDOMAINS": "true"}, ["max-age=31536000; includeSubDomains"]),
        (
            {"HSTS_INCLUDE_SUBDOMAINS": "true", "HSTS_PRELOAD": "true"},
            ["max-age=31536000; includeSubDomains; preload"],
        ),
        ({"HSTS_SECONDS": "0"}, []),
    ],
    ids=["default", "brief", "sub-domains", "preload", "none"],
)
def test_behind_a_proxy_https_is_served_and_insisted_on(
    start: Start, given: dict[str, str], value: list[str]
) -> None:
    """What a proxy of ours took by https has the rule; what it took by http is sent on."""
    web = start("web", HTTPS_REDIRECT=None, TRUSTED_PROXIES="127.0.0.1/32", **given)
    web.wait_until_it_serves()
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
    for path in ("/", "/nowhere"):
        answer = ask(web.url, f"GET {path}", proxied)
        assert answer.status in (200, 404)
        assert answer.all("strict-transport-security") == value
        assert "http://" not in answer.body.decode()
    for proto in ({"X-Forwarded-Proto": "http"}, {"X-Forwarded-Proto": "https, http"}, {}):
        answer = ask(web.url, "GET /", proto)
        assert answer.status == 301
        assert answer.all("strict-transport-security") == []
    assert web.stop() == 0


@pytest.fixture
def admin_site(framework: str, start: Start) -> Role:
    """Return a Django with its admin; in development, where its files need not be collected."""
    if framework != "django":
        pytest.skip("has no pages for admins")
    superuser = {"SUPERUSER_EMAIL": "root@example.org", "SUPERUSER_PASSWORD": PASSWORD}
    made = start("manage", "createfirstsuperuser", **superuser)
    assert made.wait() == 0, made.text
    return start("web", ENVIRONMENT="development")


def test_a_session_of_the_admin_is_nobody_to_the_api(admin_site: Role) -> None:
    """Its pages are dressed as pages; its cookie opens them and nothing else."""
    until(lambda: _serves(admin_site), "no answer")
    login = "/admin/login/"
    page = ask(admin_site.url, f"GET {login}")
    assert page.status == 200
    assert page.all("content-security-policy") == [PAGE]
    assert_is_dressed(page)
    with new_client(admin_site.url, follow_redirects=False) as client:
        form = {"username": "root@example.org", "password": PASSWORD}
        token = client.get(login).text.partition('csrfmiddlewaretoken" value="')[2][:64]
        answer = client.post(login, data=form | {"csrfmiddlewaretoken": token})
        assert answer.status_code == 302, answer.text
        assert client.get("/admin/").status_code == 200
        assert_is_problem(client.get(ME), 401, "not_authenticated")
        body = {"title": "T", "body": "B"}
        assert_is_problem(client.post(ARTICLES, json=body), 401, "not_authenticated")
    assert admin_site.stop() == 0


def _serves(web: Role) -> bool:
    try:
        return web.get("/live").status_code == 200
    except httpx.TransportError:
        return False
