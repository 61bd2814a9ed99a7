"""A database that an earlier release migrated is good for this one, and its rows stay."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.fixtures import project, projects
from tests.harness.projects import Project, uv
from tests.harness.roles import Role, complete_environment, free_port
from tests.harness.servers import Servers
from tests.support import commit, git
from tests.update.conftest import Born
from tests.update.gate import update

__all__ = ["project", "projects"]

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]
INSERT = """
INSERT INTO accounts_user (id, email, password, full_name, is_superuser, updated_at)
SELECT gen_random_uuid(), 'user' || n || '@example.org', 'hash', 'User ' || n, false, now()
FROM generate_series(1, 1000) AS n
"""
ROWS = "SELECT count(*), md5(string_agg(u::text, ',' ORDER BY email)) FROM accounts_user AS u"


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Yield servers of our own."""
    with Servers() as started:
        yield started


def installed(service: Path, venv: Path) -> tuple[str, ...]:
    """Install a service's production dependencies and return what runs Python with them."""
    uv(service, "lock")
    uv(service, "sync", "--frozen", "--no-default-groups", venv=venv)
    return (str(venv / "bin" / "python"),)


def test_rows_of_an_earlier_release_stay(
    born: Born, servers: Servers, project: Project, tmp_path: Path
) -> None:
    """The new release migrates them, and until they are replaced the old processes serve on."""
    tmp_path.chmod(0o755)
    service = born()
    old = tmp_path / "old"
    git(tmp_path, "clone", "--quiet", str(service), str(old))
    address = servers.new_database()
    environ = complete_environment(**servers.urls) | {"DATABASE_URL": address}
    del environ["ALLOW_DUMMY_PROVIDERS"]
    python = installed(old, tmp_path / "old-venv")
    with Role(project, "migrate", environ=environ, tree=old, call=python) as migration:
        assert migration.wait() == 0, migration.text
    servers.sql(INSERT, address)
    rows = servers.sql(ROWS, address)

    update(service, example_domain=True)
    commit(service, "with the example")
    newer = installed(service, tmp_path / "venv")
    if project.framework == "fastapi":  # whose history the team has had in hand since
        make = ["manage", "makemigrations", "--name", "articles"]
        with Role(project, *make, environ=environ, tree=service, call=newer) as command:
            assert command.wait() == 0, command.text
    serving = {"PORT": free_port()}
    with Role(project, "web", environ=environ | serving, tree=old, call=python) as web:
        web.wait_until_it_serves()
        with Role(project, "migrate", environ=environ, tree=service, call=newer) as migration:
            assert migration.wait() == 0, migration.text
        assert servers.sql(ROWS, address) == rows
        assert servers.sql("SELECT count(*) FROM articles_article", address) == [(0,)]
        assert web.get("/ready").status_code == 200
        assert web.stop() == 0
    with Role(project, "web", environ=environ | serving, tree=service, call=newer) as web:
        web.wait_until_it_serves()
        assert web.get("/ready").status_code == 200
        assert web.stop() == 0
