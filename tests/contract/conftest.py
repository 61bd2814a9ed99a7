"""Services under test: started here, or wherever `--base-url` says."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.people import Person, new_person
from tests.harness.fixtures import project, projects
from tests.harness.projects import Project
from tests.harness.roles import Role, complete_environment, free_port, new_client
from tests.harness.servers import Servers
from tests.variants import FRAMEWORKS

__all__ = ["project", "projects"]

collect_ignore = ["domain"]
Start = Callable[..., Role]
Sql = Callable[..., list[tuple[Any, ...]]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the HTTP part run against a service that is there already, and answers be recorded."""
    parser.addoption("--base-url", help="test this service; what needs more than HTTP is skipped")
    parser.addoption("--load-seconds", type=float, default=60, help="how long the load test takes")
    parser.addoption("--write-golden", action="store_true", help="record golden.json anew")


def pytest_configure(config: pytest.Config) -> None:
    """Name our marker."""
    config.addinivalue_line("markers", "failures: servers are frozen, ended and brought back")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs more than HTTP if HTTP is all there is; end what hangs."""
    base_url = config.getoption("--base-url", default=None)
    if base_url:  # which has one framework, whichever it is
        items[:] = [item for item in items if FRAMEWORKS[1] not in item.name]
    for item in items:
        if "tests/contract/" not in item.nodeid or not isinstance(item, pytest.Function):
            continue
        item.add_marker(pytest.mark.timeout(180))
        if base_url and "project" in item.fixturenames:
            item.add_marker(pytest.mark.skip(reason="needs a service with signals and a fixture"))


@pytest.fixture(scope="module")
def servers(framework: str) -> Iterator[Servers]:
    """Yield servers that no other module uses; nothing is in them."""
    if sys.platform != "linux":
        pytest.skip("looks at processes in /proc")
    with Servers() as started:
        yield started


@pytest.fixture(scope="module")
def environment(project: Project, servers: Servers) -> dict[str, str]:
    """Return a complete production environment; the schema of its database is there."""
    environ = complete_environment(**servers.urls)
    with Role(project, "migrate", environ=environ) as migration:
        assert migration.wait() == 0, migration.text
    return environ


@pytest.fixture(scope="module")
def tree(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the service with the files of its admin, if it has one."""
    copy = tmp_path_factory.mktemp("service") / "tree"
    shutil.copytree(project.contract, copy)
    if project.framework == "django":
        environ = {"ENVIRONMENT": "build"}
        collect = ("manage", "collectstatic", "--noinput")
        with Role(project, *collect, environ=environ, tree=copy) as role:
            assert role.wait() == 0, role.text
    return copy


@pytest.fixture(scope="module")
def changes() -> dict[str, str]:
    """Return what a module's `web` has in its environment that others have not."""
    return {}


@pytest.fixture(scope="module")
def web(project: Project, environment: dict[str, str], changes: dict[str, str]) -> Iterator[Role]:
    """Yield a service for the tests that leave it as it was; they share it."""
    environ = environment | {"PORT": free_port()} | changes
    with Role(project, "web", environ=environ) as role:
        yield role.wait_until_it_serves()
        assert role.stop() == 0
        assert role.pids() == []
        role.assert_is_structured()


@pytest.fixture
def start(project: Project, environment: dict[str, str]) -> Iterator[Start]:
    """Return a function that starts a role; keywords change the environment, None unsets."""
    started: list[Role] = []
    with ExitStack() as stack:

        def role(*arguments: str, **changes: str | None) -> Role:
            environ = environment | {"PORT": free_port()} | changes
            given = {name: text for name, text in environ.items() if text is not None}
            made = stack.enter_context(Role(project, *arguments, environ=given))
            # What a command prints for its user is no log, and development is for people.
            if given.get("ENVIRONMENT") != "development" and "manage" not in arguments:
                started.append(made)
            return made

        yield role
    for each in started:
        each.assert_is_structured()


@pytest.fixture(scope="module")
def url(request: pytest.FixtureRequest, framework: str) -> str:
    """Return where the service under test is."""
    given: str | None = request.config.getoption("--base-url", default=None)
    web: Role | None = None if given else request.getfixturevalue("web")
    return web.url if web else str(given)


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[httpx.Client]:
    """Yield a client of the service."""
    with new_client(url) as made:
        yield made


@pytest.fixture(scope="session")
def shared_servers(project: Project) -> Iterator[Servers]:
    """Yield the servers of `api`."""
    with Servers() as started:
        yield started


@pytest.fixture(scope="session")
def api_environment(project: Project, shared_servers: Servers) -> dict[str, str]:
    """Return the environment of `api`; its tokens outlast a session."""
    environ = complete_environment(**shared_servers.urls)
    with Role(project, "migrate", environ=environ) as migration:
        assert migration.wait() == 0, migration.text
    changes = {"ACCESS_TOKEN_LIFETIME": "3600", "API_DOCS_ENABLED": "true", "MAX_REQUESTS": "0"}
    return environ | changes | {"PORT": free_port()}


@pytest.fixture(scope="session")
def api(project: Project, api_environment: dict[str, str]) -> Iterator[Role]:
    """Yield the one service that all tests of the API share: each brings what it looks at."""
    with Role(project, "web", environ=api_environment) as role:
        yield role.wait_until_it_serves()
        assert role.stop() == 0
        role.assert_is_structured()


@pytest.fixture(scope="session")
def api_url(request: pytest.FixtureRequest, framework: str) -> str:
    """Return where the shared service is."""
    given: str | None = request.config.getoption("--base-url", default=None)
    api: Role | None = None if given else request.getfixturevalue("api")
    return api.url if api else str(given)


@pytest.fixture(scope="session")
def sql(shared_servers: Servers) -> Sql:
    """Return a function that runs a statement in the database of `api`."""
    return shared_servers.sql


@pytest.fixture(scope="module")
def guest(api_url: str) -> Iterator[httpx.Client]:
    """Yield a client that is nobody."""
    with new_client(api_url) as made:
        yield made


@pytest.fixture(scope="module")
def newcomer(api_url: str) -> Iterator[Callable[[], Person]]:
    """Return a function that registers somebody, with whom a test does what it likes."""
    with ExitStack() as stack:

        def register() -> Person:
            person = new_person(api_url)
            stack.callback(person.http.close)
            return person

        yield register


@pytest.fixture(scope="module")
def author(newcomer: Callable[[], Person]) -> Person:
    """Return somebody who writes."""
    return newcomer()


@pytest.fixture(scope="module")
def reader(newcomer: Callable[[], Person]) -> Person:
    """Return somebody else."""
    return newcomer()


@pytest.fixture(scope="module")
def admin(newcomer: Callable[[], Person], sql: Sql) -> Person:
    """Return somebody who looks after everybody's content."""
    person = newcomer()
    sql("UPDATE accounts_user SET is_staff = true WHERE id = %(id)s", id=person.id)
    return person


@pytest.fixture(scope="module")
def superuser(newcomer: Callable[[], Person], sql: Sql) -> Person:
    """Return somebody who may do everything."""
    person = newcomer()
    sql("UPDATE accounts_user SET is_superuser = true WHERE id = %(id)s", id=person.id)
    return person
