"""`make smoke` and `make verify-deploy` pass a good service and name the fault of another."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from socketserver import BaseRequestHandler
from urllib.parse import urlsplit

import pytest

from tests.harness.projects import Project
from tests.harness.roles import Role, complete_environment, free_port
from tests.harness.servers import Servers
from tests.harness.serving import Quiet, serving
from tests.harness.waiting import until

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc"),
    pytest.mark.timeout(180),
]

TOKEN = "a-token-of-thirty-two-characters"
HTTPS = {"https", "redirect to https"}  # what no service on a bare port has


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Yield servers of our own."""
    with Servers() as started:
        yield started


@pytest.fixture(scope="module")
def database(project: Project, servers: Servers) -> str:
    """Return the address of an empty database."""
    return servers.new_database()


@pytest.fixture(scope="module")
def web(project: Project, servers: Servers, database: str) -> Iterator[Role]:
    """Yield a service as it was rendered, in production."""
    environ = complete_environment(
        **servers.urls, PORT=free_port(), METRICS_TOKEN=TOKEN, API_DOCS_ENABLED="true",
        TRUSTED_PROXIES="127.0.0.1",
    )  # fmt: skip
    environ["DATABASE_URL"] = database
    del environ["ALLOW_DUMMY_PROVIDERS"]
    with Role(project, "migrate", environ=environ, tree=project.service) as migration:
        assert migration.wait() == 0, migration.text
    with Role(project, "web", environ=environ, tree=project.service) as role:
        yield role.wait_until_it_serves()


@pytest.fixture
def smoke(project: Project) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs it; keywords are its environment."""

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(project.service / "dev" / "smoke.py"), *arguments]
        return subprocess.run(command, env=environ, check=False, capture_output=True, text=True)

    return run


Smoke = Callable[..., subprocess.CompletedProcess[str]]


def failed(done: subprocess.CompletedProcess[str]) -> set[str]:
    """Return the names of the checks that failed, which the exit code must tell as well."""
    rows = [row for row in done.stdout.splitlines() if row.startswith("FAIL")]
    assert bool(rows) == (done.returncode == 1), done.stdout + done.stderr
    return {row[6:30].strip() for row in rows}


def test_a_good_service_passes_and_is_left_as_it_was(
    web: Role, servers: Servers, database: str, smoke: Smoke
) -> None:
    """Every check has its line; within a minute all is over and nobody is left behind."""
    began = time.monotonic()
    done = smoke(web.url, METRICS_TOKEN=TOKEN)
    assert time.monotonic() - began < 60
    assert failed(done) == set(), done.stdout
    names = {row[6:30].strip() for row in done.stdout.splitlines() if row.startswith("ok")}
    assert names >= {"live", "database", "redis", "migrations", "version", "schema", "assets"}
    assert names >= {"metrics", "login", "user", "articles", "farewell"}
    assert done.stdout.endswith("All is well.\n")
    assert servers.sql("SELECT * FROM accounts_user", database) == []


@pytest.mark.parametrize(
    ("server", "line", "others"),
    [
        ("valkey", "redis", set()),
        ("postgres", "database", {"probes", "login"}),
    ],
)
def test_a_dependency_that_is_away_has_its_own_line(
    web: Role, servers: Servers, smoke: Smoke, server: str, line: str, others: set[str]
) -> None:
    """Whoever reads the output knows which server to look after."""
    servers.halt(server)
    try:
        until(lambda: web.get("/health").status_code == 503, "nobody notices")
        done = smoke(web.url, METRICS_TOKEN=TOKEN)
    finally:
        servers.restart(server)
        until(lambda: web.get("/health").status_code == 200, "it does not come back")
    assert {"redis", "database"} & failed(done) == {line}, done.stdout
    assert failed(done) >= others


def test_an_unreadable_metric_fails_by_its_name(web: Role, smoke: Smoke) -> None:
    """A wrong token is found out here and not by the first alert that stays away."""
    assert failed(smoke(web.url, METRICS_TOKEN="wrong")) == {"metrics"}


def test_a_page_without_its_files_fails(web: Role, smoke: Smoke) -> None:
    """So does one that is away or names none."""
    for page in ("/api/config", "/nowhere"):
        done = smoke(web.url, PAGES=page)
        assert failed(done) == {"assets"}
        assert f" {page}" in done.stdout


class Generous(Quiet, BaseHTTPRequestHandler):
    """Answers whatever it is told with a token, and with 201 where that is not the status."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = f'{{"access_token": "{TOKEN}"}}'.encode()
        self.send_response(201 if self.command == "POST" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - called by these names


def test_no_answer_that_may_hold_a_token_is_printed(smoke: Smoke) -> None:
    """The output is kept in the log of a pipeline."""
    with serving(Generous) as server:
        done = smoke(server.url)
    assert "/token: 201 instead of 200" in done.stdout
    assert TOKEN not in done.stdout + done.stderr


class Drip(BaseRequestHandler):
    """Answers a byte a second, for ever."""

    def handle(self) -> None:
        try:
            while True:
                self.request.sendall(b"H")
                time.sleep(1)
        except OSError:
            return


def test_a_server_that_hangs_hangs_nobody(smoke: Smoke) -> None:
    """Ten seconds are enough for a check, whatever trickles in."""
    with serving(Drip) as server:
        began = time.monotonic()
        done = smoke(server.url)
    assert time.monotonic() - began < 20
    assert failed(done) == {"live"}
    assert "Nothing else was looked at." in done.stdout


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://", "", "http://a b"]
)
def test_an_address_without_a_scheme_is_refused(smoke: Smoke, address: str) -> None:
    """One sentence says how to write it."""
    done = smoke(address)
    assert (done.returncode, done.stderr) == (2, "")
    assert done.stdout.startswith("Say one address with its scheme, as in http://127.0.0.1:8000")
    assert done.stdout.count("\n") == 1


class Changes(Quiet, BaseHTTPRequestHandler):
    """Passes on what a service answers, but for one thing that is wrong."""

    target: str
    fault: str

    def do_GET(self) -> None:
        place = urlsplit(self.target)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        sent = {name: self.headers[name] for name in self.headers} | {"X-Forwarded-Proto": "https"}
        path = "/" if self.fault == "admin" and self.path == "/admin" else self.path
        if self.fault == "host":
            sent["Host"] = place.netloc
        connection = HTTPConnection(place.netloc, timeout=30)
        connection.request(self.command, path, body, sent)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response_only(answer.status)
        for name, value in self.changed(answer.getheaders()):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - called by these names

    def changed(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the headers with the fault in them."""
        dropped = {"connection", "content-length", "transfer-encoding", self.fault}
        kept = [(name, value) for name, value in headers if name.lower() not in dropped]
        more = {
            "cors": ("Access-Control-Allow-Origin", "*"),
            "twice": ("X-Frame-Options", "DENY"),
            "server": ("Server", "nginx/1.22.1"),
        }
        return [*kept, more[self.fault]] if self.fault in more else kept


@contextmanager
def before(target: str, fault: str) -> Iterator[str]:
    """Put a proxy before a service that makes one thing wrong; yield its address."""
    handler = type("Faulty", (Changes,), {"target": target, "fault": fault})
    with serving(handler) as server:
        yield server.url


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("", ""),
        ("strict-transport-security", "hsts"),
        ("content-security-policy", "Content-Security-Policy"),
        ("x-content-type-options", "X-Content-Type-Options"),
        ("x-request-id", "X-Request-ID"),
        ("twice", "X-Frame-Options"),
        ("server", "server's version"),
        ("cors", "cors"),
        ("host", "foreign host"),
        ("admin", "no /admin"),
    ],
)
def test_a_deployment_with_one_fault_fails_by_its_name(
    web: Role, smoke: Smoke, fault: str, line: str
) -> None:
    """Behind TLS all else is as it must be; without it, that is said too."""
    with before(web.url, fault) as url:
        done = smoke("--deployed", url, METRICS_TOKEN=TOKEN, CORS_ORIGIN="https://app.test")
    assert failed(done) == HTTPS | ({line} - {""}), done.stdout


def test_what_strangers_can_read_is_found(web: Role, smoke: Smoke) -> None:
    """A path that shall be hidden and is not fails by its name."""
    with before(web.url, "") as url:
        done = smoke("--deployed", url, METRICS_TOKEN=TOKEN, HIDDEN="/metrics,/api/config")
    assert failed(done) - HTTPS == {"no /metrics", "no /api/config"}
