"""The service on the oldest PostgreSQL that it takes."""

from collections.abc import Iterator

import httpx
import pytest

from tests.harness.programs import installed
from tests.harness.roles import Role
from tests.harness.servers import Servers

pytestmark = pytest.mark.full

OLDEST = 15


@pytest.fixture(scope="module")
def servers(framework: str) -> Iterator[Servers]:
    """Yield a pair whose PostgreSQL is the machine's own, not the wheel's."""
    program = f"/usr/lib/postgresql/{OLDEST}/bin/postgres"
    with Servers(postgres=installed(program, package=f"postgresql-{OLDEST}")) as started:
        assert started.sql("SHOW server_version")[0][0].startswith(f"{OLDEST}.")
        yield started


def test_it_migrates_and_is_ready(web: Role) -> None:
    """Its schema is there, and every check of the probes is content."""
    everything = {"process": "up", "database": "up", "migrations": "up", "redis": "up"}
    for path in ("/ready", "/health"):
        answer = web.get(path)
        assert answer.status_code == 200
        assert answer.json()["checks"] == everything


def test_it_reads_and_writes(client: httpx.Client) -> None:
    """A route of a domain works on it."""
    assert client.post("/fixture/rows", json={"text": "kept"}).status_code == 201
    assert client.get("/fixture/rows").json() == {"results": ["kept"]}
