"""Ask a running service from outside whether it is well: `python dev/smoke.py URL`.

Each check prints a line that begins with `ok` or FAIL; one that failed makes the exit code 1. The
service gets a user, who is deleted again unless it could not log in. With `--deployed` it is also
asked what strangers must find closed and browsers must be told. What differs from place to place
comes from the environment:

METRICS_TOKEN  lets /metrics be read, which else has to be closed or open to all
PAGES          further pages whose scripts, styles and images have to be there, comma-separated
HIDDEN         further paths that nobody may find, comma-separated
CORS_ORIGIN    an origin whose browsers may call
HTTP_URL       the address by http, where it is another than that by https without its s
SSL_CERT_FILE  certificates to trust besides those of this machine
"""

import json
import os
import re
import runpy
import signal
import ssl
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urljoin, urlsplit

ROOT = Path(__file__).resolve().parent.parent
EACH, ALL = 10.0, 50.0  # seconds
DOMAINS = "tests/apps/*/smoke.py"
ASSET = re.compile(r"""<(?:script|link|img)[^>]*?\s(?:src|href)=["']([^"'#]+)["']""")
ME, AUTH = "/api/v1/users/me", "/api/v1/auth"
HIDDEN = ("/admin", "/admin/login/")
HEADERS = {
    "Content-Security-Policy": r"(?=.*default-src 'none')(?=.*frame-ancestors 'none').*",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin|strict-origin.*|no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Request-ID": ".+",
}


class CheckError(Exception):
    """A check did not find what it looked for; the text says what it found."""


class Answer(NamedTuple):
    """What a service answered, with the values of each header by its name in lower case."""

    status: int
    headers: Mapping[str, list[str]]
    body: bytes

    def header(self, name: str) -> str:
        """Return the one value of a header, or "" without one."""
        return ", ".join(self.headers.get(name.lower(), []))

    def json(self) -> Any:
        """Return the body, which is JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise CheckError(f"no JSON but {self.body[:60]!r}") from None


class Service:
    """A service at an address, and who asks it."""

    def __init__(self, url: str, token: str = "") -> None:
        """Ask it without a token, or with one."""
        self.url, self._token = url.rstrip("/"), token

    def ask(
        self,
        method: str,
        path: str,
        status: int | None = 200,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer; another status than `status` is a failure, unless that is None."""
        place = urlsplit(self.url)
        kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
        sent = {"Accept": "*/*", **(headers or {})}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        connection = kind(place.netloc, timeout=EACH)
        try:
            connection.request(method, place.path + path, json.dumps(body) if body else None, sent)
            received = connection.getresponse()
            found: dict[str, list[str]] = {}
            for name, value in received.getheaders():
                found.setdefault(name.lower(), []).append(value)
            answer = Answer(received.status, found, received.read())
        except (OSError, HTTPException) as error:
            raise CheckError(f"{method} {path}: {_told(error)}") from error
        finally:
            connection.close()
        if answer.status == 429:
            wait = answer.header("Retry-After")
            raise CheckError(f"{method} {path}: throttled, ask again in {wait} seconds")
        if status not in {None, answer.status}:
            told = answer.body[:200].decode(errors="replace") if answer.status >= 400 else ""
            more = answer.header("Location") or told  # no tokens
            raise CheckError(f"{method} {path}: {answer.status} instead of {status}: {more}")
        return answer


class User(Service):
    """Somebody who is logged in."""

    def __init__(self, service: Service) -> None:
        """Register with an address of one's own, and log in."""
        account = {
            "email": f"smoke-{uuid.uuid4().hex}@example.org",
            "password": uuid.uuid4().hex,
        }
        service.ask("POST", f"{AUTH}/register", 201, account | {"full_name": "Smoke"})
        super().__init__(service.url)
        self._login(service.ask("POST", f"{AUTH}/token", 200, account))

    def renew(self) -> None:
        """Exchange the tokens."""
        given = {"refresh_token": self._refresh}
        self._login(Service(self.url).ask("POST", f"{AUTH}/token/refresh", 200, given))

    def _login(self, answer: Answer) -> None:
        tokens = answer.json()
        self._token, self._refresh = tokens["access_token"], tokens["refresh_token"]


Check = tuple[str, Callable[[], str | None]]


def works(service: Service) -> Iterator[Check]:
    """Yield what a service must be able to do anywhere."""
    yield "probes", partial(_probes, service)
    for name, state in _dependencies(service).items():
        yield name, partial(_is_up, state)
    yield "version", partial(_version, service)
    links = _links(service)
    yield "schema", partial(_schema, service, links.get("schema"))
    pages = [links["docs"]] if "docs" in links else []
    yield "assets", partial(_assets, service, [*pages, *_listed("PAGES")])
    yield "metrics", partial(_metrics, service, os.environ.get("METRICS_TOKEN", ""))
    users: list[User] = []
    yield "login", lambda: users.append(User(service))
    if users:
        try:
            yield "user", partial(_user, users[0])
            for path in sorted(ROOT.glob(DOMAINS)):
                yield path.parent.name, partial(_domain, path, users[0])
        except GeneratorExit:  # somebody stopped the program
            with suppress(CheckError):
                users[0].ask("DELETE", ME, 204)
            raise
        yield "farewell", partial(_farewell, service, users[0])


def is_closed(service: Service) -> Iterator[Check]:
    """Yield what a service must be besides where strangers reach it."""
    yield "https", partial(_https, service)
    yield "redirect to https", partial(_redirect, service)
    yield "hsts", partial(_hsts, service)
    for name, pattern in HEADERS.items():
        yield name, partial(_header, service, name, pattern)
    yield "server's version", partial(_anonymous_server, service)
    yield "cors", partial(_cors, service, os.environ.get("CORS_ORIGIN", ""))
    yield "foreign host", partial(_foreign_host, service)
    yield "strangers", lambda: _nothing(service.ask("GET", ME, 401))
    yield "closed metrics", lambda: _nothing(service.ask("GET", "/metrics", 401))
    for path in (*HIDDEN, *_listed("HIDDEN")):
        yield f"no {path}", partial(_absent, service, path)


def _probes(service: Service) -> None:
    service.ask("GET", "/live")
    service.ask("GET", "/ready")


def _dependencies(service: Service) -> dict[str, str]:
    try:
        checks: dict[str, str] = service.ask("GET", "/health", None).json()["checks"]
    except (CheckError, KeyError, TypeError) as error:
        return {"health": f"/health tells nothing: {error}"}
    return checks


def _is_up(state: str) -> None:
    if state != "up":
        raise CheckError(f"/health says: {state}")


def _links(service: Service) -> dict[str, str]:
    with suppress(CheckError, KeyError, TypeError):
        return dict(service.ask("GET", "/").json()["links"])
    return {}


def _version(service: Service) -> str:
    told = service.ask("GET", "/").json()
    for link in ("live", "ready", "config"):
        service.ask("GET", told["links"][link])
    return f"{told['name']} {told['version']}"


def _schema(service: Service, path: str | None) -> str:
    if path is None:
        return "not served here"
    document = service.ask("GET", path).json()
    return f"OpenAPI {document['openapi']}, {len(document['paths'])} paths"


def _assets(service: Service, pages: list[str]) -> str:
    count = 0
    for page in pages:
        links = ASSET.findall(service.ask("GET", page).body.decode(errors="replace"))
        paths = [path for path in (urljoin(page, link) for link in links) if path[0] == "/"]
        if not paths:
            raise CheckError(f"{page} names no script, style or image of this service")
        for path in paths:
            if not service.ask("GET", path).body:
                raise CheckError(f"{path} is empty")
        count += len(paths)
    return f"{count} files of {len(pages)} pages"


def _metrics(service: Service, token: str) -> str:
    answer = Service(service.url, token).ask("GET", "/metrics", 200 if token else None)
    if not token and answer.status == 401:
        return "closed without METRICS_TOKEN"
    if b"\nservice_info{" not in answer.body:
        raise CheckError(f"GET /metrics: {answer.status} without service_info")
    return f"{len(answer.body.splitlines())} lines"


def _user(user: User) -> None:
    user.ask("PATCH", ME, 200, {"full_name": "Smoke Test"})
    user.renew()
    if user.ask("GET", ME).json()["full_name"] != "Smoke Test":
        raise CheckError("a change was answered and not kept")


def _domain(path: Path, user: User) -> None:
    runpy.run_path(str(path))["check"](user)


def _farewell(service: Service, user: User) -> None:
    user.ask("DELETE", ME, 204)
    user.ask("GET", ME, 401)


def _https(service: Service) -> None:
    if urlsplit(service.url).scheme != "https":
        raise CheckError(f"{service.url} is no https address")


def _redirect(service: Service) -> None:
    place = os.environ.get("HTTP_URL") or f"http://{urlsplit(service.url).hostname}"
    answer = Service(place).ask("GET", "/api/config", None)
    if answer.status not in {301, 308} or not answer.header("Location").startswith("https://"):
        raise CheckError(f"GET {place}/api/config: {answer.status} {answer.header('Location')}")


def _hsts(service: Service) -> None:
    told = service.ask("GET", "/").header("Strict-Transport-Security")
    age = re.match(r"max-age=(\d+)", told)
    if age is None or int(age[1]) < 86_400:
        raise CheckError(f"Strict-Transport-Security is {told!r}, less than a day")


def _header(service: Service, name: str, pattern: str) -> None:
    for path in ("/", "/nowhere", "/live"):
        values = service.ask("GET", path, None).headers.get(name.lower(), [])
        if len(values) != 1 or not re.fullmatch(pattern, values[0]):
            raise CheckError(f"GET {path}: {name} is {values}")


def _anonymous_server(service: Service) -> None:
    answer = service.ask("GET", "/")
    for name in ("Server", "X-Powered-By", "Via"):
        if re.search(r"/\d", answer.header(name)):
            raise CheckError(f"{name}: {answer.header(name)}")


def _cors(service: Service, origin: str) -> str:
    def allowed(who: str) -> str:
        headers = {"Origin": who, "Access-Control-Request-Method": "GET"}
        answer = service.ask("OPTIONS", ME, None, headers=headers)
        return answer.header("Access-Control-Allow-Origin")

    stranger = "https://stranger.invalid"
    if told := allowed(stranger):
        raise CheckError(f"{stranger} is told {told}")
    if origin and allowed(origin) != origin:
        raise CheckError(f"{origin} is not allowed")
    return f"{origin or 'nobody'} is asked for and nobody else is allowed"


def _foreign_host(service: Service) -> None:
    answer = service.ask("GET", "/", None, headers={"Host": "stranger.invalid"})
    if answer.status < 400:
        raise CheckError(f"Host: stranger.invalid is answered {answer.status}")


def _absent(service: Service, path: str) -> None:
    answer = service.ask("GET", path, 404)
    if (kind := answer.header("Content-Type")) != "application/problem+json":
        raise CheckError(f"GET {path}: 404 as {kind}: is debugging on?")


def _nothing(_: object) -> None:
    """Say nothing of it."""


def _listed(name: str) -> list[str]:
    return [each.strip() for each in os.environ.get(name, "").split(",") if each.strip()]


def _told(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {error.verify_message}"
    return f"no answer ({str(error) or type(error).__name__})"


def _late(*_: object) -> NoReturn:
    raise CheckError("no answer in time")


def run(checks: Iterator[Check], until: float) -> int:
    """Print a line a check and return how many failed; whatever hangs is ended."""
    failed = 0
    while True:
        _limit(until)
        name, check = next(checks, ("", None))
        _limit(until)
        if check is None:
            break
        try:
            state, said = "ok", check() or ""
        except CheckError as error:
            state, said = "FAIL", str(error)
        except (KeyError, TypeError, ValueError) as error:
            state, said = "FAIL", f"it answers strangely: {error!r}"
        failed += state == "FAIL"
        print(f"{state:<6}{name:<24}{' '.join(said.split())}".rstrip(), flush=True)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return failed


def _limit(until: float) -> None:
    signal.setitimer(signal.ITIMER_REAL, max(0.01, min(EACH, until - time.monotonic())))


def main(arguments: list[str]) -> int:
    """Look at the service whose address is given; return 1 when something is wrong with it."""
    deployed, urls = "--deployed" in arguments, [a for a in arguments if a != "--deployed"]
    if len(urls) != 1 or not re.match(r"https?://[^/?#\s]+(/[^?#\s]*)?\Z", urls[0]):
        example = "http://127.0.0.1:8000"
        print(f"Say one address with its scheme, as in {example}, not {' '.join(urls) or 'none'}.")
        return 2
    service, until = Service(urls[0]), time.monotonic() + ALL
    signal.signal(signal.SIGALRM, _late)
    failed = run(iter([("live", lambda: _nothing(service.ask("GET", "/live")))]), until)
    if failed:
        print("Nothing else was looked at.")
        return 1
    failed = run(works(service), until) + (run(is_closed(service), until) if deployed else 0)
    print(f"{failed} checks failed." if failed else "All is well.")
    return int(failed > 0)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from dev import smoke  # whose classes are those that domains import

    sys.exit(smoke.main(sys.argv[1:]))
