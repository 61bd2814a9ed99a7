"""Django's admin in production: where it is wanted, and from where it may be used."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.contract.conftest import Start
from tests.contract.people import PASSWORD, new_person
from tests.contract.test_http import assert_is_problem
from tests.harness.projects import Project
from tests.harness.roles import Role, free_port, new_client

ADMIN = {"ADMIN_PATH": "staff", "ADMIN_NETWORKS": "10.0.0.0/8", "TRUSTED_PROXIES": "127.0.0.1"}
INSIDE, OUTSIDE = {"X-Forwarded-For": "10.0.0.7"}, {"X-Forwarded-For": "203.0.113.7"}
LOGIN = "/staff/login/"


@pytest.fixture(autouse=True)
def _has_an_admin(project: Project) -> None:
    """Leave out services without one."""
    if project.framework != "django":
        pytest.skip("it has no admin")


@pytest.fixture(scope="module")
def web(project: Project, environment: dict[str, str], tree: Path) -> Iterator[Role]:
    """Yield a service with its admin."""
    environ = environment | ADMIN | {"PORT": free_port(), "HTTPS_REDIRECT": "false"}
    environ |= {"THROTTLE_STRICT": "5/minute"}
    with Role(project, "web", environ=environ, tree=tree) as role:
        yield role.wait_until_it_serves()
        assert role.stop() == 0
        role.assert_is_structured()


@pytest.fixture
def browser(url: str) -> Iterator[httpx.Client]:
    """Yield a client where the admin may be used."""
    with new_client(url, headers=INSIDE) as made:
        yield made


def fill_in(browser: httpx.Client, password: str, **headers: str) -> httpx.Response:
    """Ask for the login's page and send its form, for somebody whom there is not."""
    page = browser.get(LOGIN)
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert found
    form = {"csrfmiddlewaretoken": found[1], "username": "a@example.org", "password": password}
    # The cookie is for https, and no client of ours would send it by http.
    cookie = f"csrftoken={page.cookies['csrftoken']}"
    return browser.post(LOGIN, data=form, headers={"Cookie": cookie} | headers)


def test_files_come_from_here(browser: httpx.Client) -> None:
    """They have their hash in the name, may be kept for ever, and are for no other origin."""
    page = browser.get(LOGIN)
    places = re.findall(r'(?:href|src)="(/staff/static/[^"]+)"', page.text)
    assert places
    for place in places:
        answer = browser.get(place)
        assert answer.status_code == 200, place
        assert re.search(r"\.[0-9a-f]{12}\.", place)
        assert "immutable" in answer.headers["Cache-Control"]
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_cookies_need_https(browser: httpx.Client) -> None:
    """A browser sends the token of forms by https alone, and shows it to no script."""
    (cookie,) = browser.get(LOGIN).headers.get_list("Set-Cookie")
    flags = {flag.strip() for flag in cookie.split(";")}
    assert flags >= {"Secure", "HttpOnly", "SameSite=Lax"}


def test_outside_there_is_nothing(browser: httpx.Client) -> None:
    """Pages, the login and files are what any wrong path is, to whoever is elsewhere."""
    page = browser.get(LOGIN).text
    (place, *_) = re.findall(r'href="(/staff/static/[^"]+)"', page)
    wrong = browser.get("/nowhere", headers=OUTSIDE)
    for method, path in (("GET", "/staff/"), ("GET", LOGIN), ("POST", LOGIN), ("GET", place)):
        answer = browser.request(method, path, headers=OUTSIDE)
        assert_is_problem(answer, 404, "not_found")
        assert answer.headers.keys() == wrong.headers.keys()
        for header in ("Content-Security-Policy", "RateLimit-Policy", "Vary"):
            assert answer.headers.get(header) == wrong.headers.get(header)


def test_who_guesses_passwords_is_held_up(browser: httpx.Client, url: str) -> None:
    """After five tries in a minute the sixth is not even looked at, whatever token it has."""
    token = new_person(url).http.headers["Authorization"]
    answers = [fill_in(browser, f"guess {number}") for number in range(4)]
    answers += [fill_in(browser, PASSWORD, Authorization=token) for _ in range(2)]
    statuses = [answer.status_code for answer in answers]
    assert statuses == sorted(statuses)
    assert statuses[0] == 200
    assert_is_problem(answers[-1], 429, "throttled")
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_without_its_files_it_does_not_start(start: Start) -> None:
    """It would answer each page with a failure: it says what to run."""
    role = start("web", **ADMIN)
    assert role.wait() == 78
    assert "ADMIN_PATH" in role.text
    assert "collectstatic" in role.text
