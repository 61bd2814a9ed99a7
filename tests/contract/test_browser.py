"""A real browser runs nothing that users stored, and finds nothing of ours against its policy."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, sync_playwright

from tests.contract.people import ARTICLES, PASSWORD, PROFILE, Person, comments_of, new_person
from tests.harness.programs import installed
from tests.harness.projects import Project
from tests.harness.roles import Role, complete_environment, free_port
from tests.harness.servers import Servers

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]
# Each would open a dialog or ask another host, had any page of ours let it.
SCRIPT = '<script>alert(1)</script><script src="//evil.test/x.js"></script>'
HANDLER = '"><img src="//evil.test/x.png" onerror="alert(1)"><svg onload="alert(1)">'
ADMIN = "staff"


@dataclass
class Watched:
    """A page, and what came of it that must not."""

    page: Page
    faults: list[str] = field(default_factory=list)

    def open(self, url: str) -> None:
        """Open an address and wait until nothing more is fetched."""
        answer = self.page.goto(url, wait_until="networkidle")
        assert answer is not None
        assert answer.status == 200, url


@pytest.fixture(scope="module")
def service(project: Project, servers: Servers, tree: Path) -> Iterator[Role]:
    """Yield a service in production with its documents and, if it has one, its admin."""
    environ = complete_environment(**servers.urls, PORT=free_port(), API_DOCS_ENABLED="true")
    environ |= {"ADMIN_PATH": ADMIN, "ADMIN_NETWORKS": "127.0.0.1", "HTTPS_REDIRECT": "false"}
    with Role(project, "migrate", environ=environ, tree=tree) as role:
        assert role.wait() == 0, role.text
    with Role(project, "web", environ=environ, tree=tree) as role:
        yield role.wait_until_it_serves()
        assert role.stop() == 0


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Yield a browser."""
    with sync_playwright() as driver:
        # In a container there is no room for its own sandbox.
        options: dict[str, Any] = {"args": ["--no-sandbox"] * (os.geteuid() == 0)}
        with driver.chromium.launch(
            executable_path=installed("chromium", "chromium"), **options
        ) as browser:
            yield browser


@pytest.fixture
def watched(chromium: Browser, service: Role) -> Iterator[Watched]:
    """Yield a page, which must run nothing, ask no other host and break no policy."""
    page = chromium.new_page()
    made = Watched(page)

    def note(text: str, is_fault: bool = True) -> None:
        if is_fault:
            made.faults.append(text)

    def refuse(dialog: Dialog) -> None:
        note(dialog.message)
        dialog.dismiss()

    page.on("dialog", refuse)
    page.on("pageerror", lambda error: note(str(error)))
    page.on("console", lambda message: note(*_told(message)))
    ours = (service.url, "data:")
    page.on("request", lambda request: note(request.url, not request.url.startswith(ours)))
    yield made
    page.close()


def _told(message: ConsoleMessage) -> tuple[str, bool]:
    """Return what the browser says, and whether it is a fault; no service has an icon."""
    place = str(message.location["url"])
    return f"{message.text} {place}", message.type == "error" and "/favicon.ico" not in place


@pytest.fixture(scope="module")
def attacker(service: Role) -> Person:
    """Return somebody whose every text is a script."""
    person = new_person(service.url)
    person.http.patch("/api/v1/users/me", json={"full_name": HANDLER})
    profile = {"bio": SCRIPT, "website": f"https://evil.test/{HANDLER.replace(' ', '/')}"}
    person.http.put(PROFILE, json=profile)
    article = person.write(title=SCRIPT, body=HANDLER)
    person.comment(article, body=SCRIPT)
    person.tag(HANDLER[:50].lower())
    person.tag(SCRIPT[:25])
    return person


def test_documents(watched: Watched, service: Role) -> None:
    """The API's page is shown in full: it needs no exception from its policy."""
    watched.open(f"{service.url}/api/docs")
    watched.page.wait_for_selector(".opblock-summary")
    assert watched.faults == []


def test_json(watched: Watched, service: Role, attacker: Person) -> None:
    """What the API answers is data to a browser, whatever is in it."""
    watched.page.set_extra_http_headers({"Authorization": attacker.http.headers["Authorization"]})
    article = attacker.http.get(ARTICLES).json()["results"][0]
    for path in (ARTICLES, comments_of(article), PROFILE, "/api/v1/users/me", "/api/v1/tags"):
        watched.open(f"{service.url}{path}")
        assert watched.page.evaluate("document.contentType") == "application/json"
    assert watched.faults == []


def test_admin(
    watched: Watched, service: Role, servers: Servers, project: Project, attacker: Person
) -> None:
    """Lists and forms of all that users stored show it as text."""
    if project.framework != "django":
        pytest.skip("it has no admin")
    boss = new_person(service.url)
    grant = "UPDATE accounts_user SET is_staff = true, is_superuser = true WHERE id = %(id)s"
    servers.sql(grant, id=boss.id)
    page = watched.page
    watched.open(f"{service.url}/{ADMIN}/")
    page.fill("#id_username", boss.email)
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    page.wait_for_selector("#user-tools")
    (session,) = [each for each in page.context.cookies() if each["name"] == "sessionid"]
    assert (session["secure"], session["httpOnly"], session["sameSite"]) == (True, True, "Lax")
    kinds = ["articles/article", "articles/comment", "articles/tag", "profiles/profile"]
    for kind in [*kinds, "accounts/user"]:
        watched.open(f"{service.url}/{ADMIN}/{kind}/")
        links = page.locator("#result_list th a")
        places = [links.nth(number).get_attribute("href") for number in range(links.count())]
        assert places, kind
        for place in places:
            watched.open(f"{service.url}{place}")
    watched.open(f"{service.url}/{ADMIN}/accounts/user/{attacker.id}/delete/")
    assert watched.faults == []
