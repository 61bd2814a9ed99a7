"""Many clients at once: nobody gets a failure of ours, and the database keeps its connections."""

import itertools
import time
from collections import Counter

import httpx
import pytest

from tests.contract.people import ARTICLES, STATS, TAGS, comments_of, new_person, place_of
from tests.harness.load import Load
from tests.harness.roles import Role
from tests.harness.servers import Servers

pytestmark = [pytest.mark.full, pytest.mark.timed]

CLIENTS, PROCESSES, POOL = 64, 2, 5
# What this test itself asks with is one more.
BACKENDS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="module")
def changes() -> dict[str, str]:
    """Return fewer connections than clients by far."""
    return {
        "WEB_CONCURRENCY": str(PROCESSES),
        "DATABASE_POOL_MAX": str(POOL),
        "ACCESS_TOKEN_LIFETIME": "3600",
        "MAX_REQUESTS": "0",  # a successor has a pool of its own until its predecessor is gone
    }


@pytest.mark.timeout(600)
def test_many_clients_share_few_connections(
    request: pytest.FixtureRequest, web: Role, servers: Servers
) -> None:
    """Lists, single articles and new ones, for a minute."""
    seconds: float = request.config.getoption("--load-seconds")
    author = new_person(web.url)
    tag = author.tag("load")
    articles = [author.write(tag_ids=[tag["id"]]) for _ in range(30)]
    for article in articles[:5]:
        author.comment(article)
    new = {"title": "One of many", "body": "A body. " * 50, "tag_ids": [tag["id"]]}
    ways = itertools.cycle(
        [
            *[("GET", ARTICLES), ("GET", place_of(articles[0])), ("POST", ARTICLES)],
            *[("GET", f"{ARTICLES}?tag=load&ordering=title"), ("GET", comments_of(articles[1]))],
            *[("GET", f"{TAGS}?limit=5"), ("GET", place_of(articles[2])), ("POST", ARTICLES)],
            *[("GET", f"{ARTICLES}?search=many&page=2"), ("GET", STATS)],
        ]
    )

    def ask(client: httpx.Client) -> httpx.Response:
        method, path = next(ways)
        return client.request(method, path, json=new if method == "POST" else None)

    backends = []
    headers = {"Authorization": author.http.headers["Authorization"]}
    with Load(web.url, ask, clients=CLIENTS, pause=0.1, headers=headers) as load:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            backends.append(int(servers.sql(BACKENDS)[0][0]))
            time.sleep(0.2)
    author.http.close()
    statuses = Counter(answer.status for answer in load.answers)
    assert statuses.keys() == {200, 201}, (statuses, {each.fault for each in load.answers})
    assert len(load.answers) > 10 * seconds
    assert 1 < max(backends) <= POOL * PROCESSES, backends
    print(f"{len(load.answers) / seconds:.0f} answers a second, {max(backends)} backends at most")
