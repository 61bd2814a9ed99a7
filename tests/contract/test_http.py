"""What any service answers over HTTP, wherever it runs."""

import re
import socket
import ssl
from urllib.parse import urlsplit

import httpx
import pytest

PROBES = ["/live", "/ready", "/health", "/healthz"]
PROBLEM = {"type", "title", "status", "code", "detail", "request_id"}
INTERNALS = re.compile(
    r"traceback|site-packages|\.py\b|django|fastapi|starlette|gunicorn|psycopg", re.I
)


def exchange(url: str, request: bytes) -> bytes:
    """Send bytes as they are and return all that comes back."""
    place = urlsplit(url)
    address = (place.hostname or "", place.port or (443 if place.scheme == "https" else 80))
    with socket.create_connection(address, timeout=10) as connection:
        if place.scheme == "https":
            context = ssl.create_default_context()
            connection = context.wrap_socket(connection, server_hostname=place.hostname)
        connection.sendall(request)
        received = b""
        while part := connection.recv(65536):
            received += part
    return received


def assert_is_problem(answer: httpx.Response, status: int, code: str) -> None:
    """Check the one shape of every failure."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem.keys() - {"errors"} == PROBLEM
    assert ("errors" in problem) == (status == 422)
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert not INTERNALS.search(answer.text)


@pytest.mark.parametrize("slash", ["", "/"], ids=["plain", "slash"])
@pytest.mark.parametrize("path", PROBES)
def test_every_spelling_of_a_probe_answers_directly(
    client: httpx.Client, path: str, slash: str
) -> None:
    """A probe that is redirected fails in a load balancer, so none is; nobody may cache it."""
    answer = client.get(path + slash)
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.headers["Cache-Control"] == "no-store"
    assert not INTERNALS.search(answer.text)


def test_ready_and_health_name_what_they_looked_at(client: httpx.Client) -> None:
    """One look tells which dependency is the cause."""
    everything = {"process": "up", "database": "up", "migrations": "up", "redis": "up"}
    assert client.get("/ready").json()["checks"] == everything
    assert client.get("/health").json()["checks"] == everything


@pytest.mark.parametrize("path", PROBES)
def test_probes_answer_head(client: httpx.Client, path: str) -> None:
    """Some monitors ask for the headers only."""
    answer = client.head(path)
    assert answer.status_code == 200
    assert answer.content == b""


@pytest.mark.parametrize("path", PROBES)
def test_probes_take_no_other_method(client: httpx.Client, path: str) -> None:
    """A probe reads; what is allowed is named."""
    answer = client.post(path)
    assert_is_problem(answer, 405, "method_not_allowed")
    assert {method.strip() for method in answer.headers["Allow"].split(",")} == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ["/live", "/ready"])
def test_a_probe_by_address_without_host_is_answered(url: str, path: str) -> None:
    """Load balancers and kubelets call by IP, some with HTTP/1.0 and no Host at all."""
    answer = exchange(url, f"GET {path} HTTP/1.0\r\n\r\n".encode())
    assert answer.split(b"\r\n")[0].split(b" ")[1] == b"200"


@pytest.mark.parametrize("path", PROBES)
def test_a_probe_with_a_foreign_host_is_answered(client: httpx.Client, path: str) -> None:
    """A probe says nothing that a wrong Host could misuse."""
    assert client.get(path, headers={"Host": "evil.test"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.test", "evil.test:443", "127.0.0.1.evil.test", "a b", ""])
@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_a_foreign_host_is_refused(client: httpx.Client, path: str, host: str) -> None:
    """Nobody makes the service speak for a name that is not its own."""
    answer = client.get(path, headers={"Host": host})
    assert_is_problem(answer, 400, "bad_request")
    assert "evil" not in answer.text


def test_the_root_says_what_runs_here(client: httpx.Client) -> None:
    """Name, version and links, and every link works."""
    answer = client.get("/")
    assert answer.status_code == 200
    document = answer.json()
    assert document["name"]
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", document["version"])
    for link in document["links"].values():
        assert client.get(link).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/nowhere", "/nowhere/", "/nowhere//x", "/live/x", "/%00", "/%E2%98%83", "/admin", "/docs"],
)
def test_an_unknown_path_is_a_problem(client: httpx.Client, path: str) -> None:
    """There is one shape of failure, whoever found it."""
    assert_is_problem(client.get(path), 404, "not_found")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_wrong_method_is_a_problem(client: httpx.Client, method: str) -> None:
    """The answer says which methods there are."""
    answer = client.request(method, "/")
    assert_is_problem(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("sent", ["a", "01J-abc_DEF.9:8/7+6=5", "x" * 128])
@pytest.mark.parametrize("path", ["/", "/live", "/ready", "/nowhere"])
def test_a_sane_request_id_is_echoed(client: httpx.Client, path: str, sent: str) -> None:
    """A caller finds its own id in the answer and in the log, failures included."""
    answer = client.get(path, headers={"X-Request-ID": sent})
    assert answer.headers.get_list("X-Request-ID") == [sent]


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "x" * 129,
        "x" * 5000,
        "a b",
        "a\tb",
        '"quoted"',
        "<b>",
        "{}",
        "a;b",
        "é".encode("latin-1"),
    ],
    ids=["empty", "129", "5 kB", "blank", "tab", "quote", "markup", "braces", "semicolon", "8 bit"],
)
@pytest.mark.parametrize("path", ["/", "/live", "/nowhere"])
def test_an_unfit_request_id_is_replaced(
    client: httpx.Client, path: str, sent: str | bytes
) -> None:
    """What could break a log line or fill it is never echoed."""
    header = sent if isinstance(sent, bytes) else sent.encode()
    answer = client.get(path, headers={b"X-Request-ID": header})
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"])


@pytest.mark.parametrize("ending", [b"\r\n injected: yes", b"\ninjected: yes", b"\rinjected: yes"])
def test_a_request_id_with_line_ends_injects_nothing(url: str, ending: bytes) -> None:
    """The id ends where the line does; the rest is another header or a refused request."""
    host = urlsplit(url).netloc.encode()
    request = b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nX-Request-ID: ab%s\r\n\r\n"
    head = exchange(url, request % (host, ending)).lower().partition(b"\r\n\r\n")[0]
    assert head.startswith(b"http/1.1 ")
    assert b"injected" not in head


def test_every_answer_has_an_id_of_its_own(client: httpx.Client) -> None:
    """Where the caller sends none, one is made each time."""
    made = {client.get(path).headers["X-Request-ID"] for path in ["/", "/live", "/nowhere"] * 5}
    assert len(made) == 15
