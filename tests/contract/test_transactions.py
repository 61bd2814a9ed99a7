"""Writes: the answer tells what was stored, and a failure, whenever it comes, stores nothing."""

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.contract.conftest import Sql
from tests.contract.people import ARTICLES, Person, made, unheard_of
from tests.contract.test_http import assert_is_problem
from tests.harness.roles import Role, new_client
from tests.harness.waiting import until

ROWS = "/fixture/rows"
OPEN = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
OPEN += " AND state = 'idle in transaction'"


@pytest.fixture
def kept(sql: Sql) -> Callable[[str], bool]:
    """Return a function that tells whether a row is stored, for everybody to see."""
    return lambda text: bool(sql("SELECT 1 FROM fixture_row WHERE text = %(text)s", text=text))


def write(guest: httpx.Client, text: str, **more: object) -> httpx.Response:
    """Write a row and let something happen then."""
    return guest.post(ROWS, json={"text": text, **more})


def test_what_is_answered_is_stored(guest: httpx.Client, kept: Callable[[str], bool]) -> None:
    """Whoever has the answer finds the row, on whatever connection."""
    for _ in range(20):
        text = unheard_of()
        made(write(guest, text))
        assert kept(text)


@pytest.mark.parametrize(
    ("fail", "status", "code"),
    [("refuse", 409, "refused"), ("return", 409, ""), ("crash", 500, "internal_error")],
)
def test_a_failure_after_a_write_stores_nothing(
    guest: httpx.Client, kept: Callable[[str], bool], fail: str, status: int, code: str
) -> None:
    """Whether it is raised, returned, or nobody expected it; and the next request is fine."""
    text = unheard_of()
    answer = write(guest, text, fail=fail)
    assert answer.status_code == status
    if code:
        assert_is_problem(answer, status, code)
    assert not kept(text)
    made(write(guest, text))
    assert kept(text)


def test_a_failure_at_commit_is_a_problem(guest: httpx.Client, kept: Callable[[str], bool]) -> None:
    """A constraint that is looked at last is still looked at before the answer."""
    first, second = unheard_of(), unheard_of()
    slot = int(first[1:8], 16)
    made(write(guest, first, slot=slot))
    assert_is_problem(write(guest, second, slot=slot), 409, "conflict")
    assert (kept(first), kept(second)) == (True, False)
    made(write(guest, second))


def test_a_connection_lost_before_commit_is_a_problem(
    guest: httpx.Client, kept: Callable[[str], bool], sql: Sql
) -> None:
    """The write is gone with it, and the answer says that it can be tried again."""
    text = unheard_of()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(write, guest, text, seconds=1.5)
        [(pid,)] = until(lambda: sql(OPEN), "nothing is written")
        sql("SELECT pg_terminate_backend(%(pid)s)", pid=pid)
        assert_is_problem(answer.result(), 503, "unavailable")
    assert answer.result().headers["Retry-After"] == "5"
    assert not kept(text)
    made(write(guest, text))


def test_a_client_that_is_gone_before_the_commit_wrote_nothing(
    api: Role, framework: str, kept: Callable[[str], bool], sql: Sql
) -> None:
    """Nobody is left to be told that it is stored."""
    if framework == "django":
        pytest.skip("a thread of a synchronous worker does not see its client go")
    text = unheard_of()
    with new_client(api.url, timeout=0.5) as client, contextlib.suppress(httpx.ReadTimeout):
        write(client, text, seconds=3)
        pytest.fail("it was answered")
    until(lambda: not sql(OPEN), "its transaction stays open", 2)
    assert not kept(text)


def test_a_refused_article_leaves_nothing(author: Person, sql: Sql) -> None:
    """What an API's own service refuses half-way is refused as a whole."""
    word = unheard_of()
    content = {"title": word, "body": ".", "tag_ids": ["00000000-0000-4000-8000-000000000000"]}
    assert author.http.post(ARTICLES, json=content).status_code == 422
    assert sql("SELECT 1 FROM articles_article WHERE title = %(title)s", title=word) == []


def test_constraints_hold_whoever_writes(author: Person, sql: Sql) -> None:
    """The database itself knows what becomes of the rest when something is deleted."""
    tag = author.tag()
    article = author.write(tag_ids=[tag["id"]])
    comment = author.comment(article)
    reply = author.comment(article, parent_id=comment["id"])

    def state(statement: str, **values: object) -> str:
        try:
            sql(statement, **values)
        except Exception as error:  # noqa: BLE001 - whatever the driver makes of it
            return str(getattr(error, "sqlstate", error))
        return ""

    protected = {"23001", "23503"}
    assert state("DELETE FROM accounts_user WHERE id = %(id)s", id=author.id) in protected
    assert state("DELETE FROM articles_tag WHERE id = %(id)s", id=tag["id"]) in protected
    for change, code in [
        ("UPDATE articles_article SET status = 'gone' WHERE id = %(id)s", "23514"),
        ("UPDATE articles_article SET published_at = NULL WHERE id = %(id)s", "23514"),
        ("INSERT INTO articles_tag (name) VALUES ('LOUD' || %(id)s)", "23514"),
        ("INSERT INTO articles_tag (name) VALUES (%(name)s)", "23505"),
        (
            "INSERT INTO articles_articletag (article_id, tag_id, position)"
            " VALUES (%(id)s, %(tag)s, 9)",
            "23505",
        ),
    ]:
        assert state(change, id=article["id"], name=tag["name"], tag=tag["id"]) == code, change
    assert state("DELETE FROM articles_comment WHERE id = %(id)s", id=comment["id"]) == ""
    assert sql("SELECT 1 FROM articles_comment WHERE id = %(id)s", id=reply["id"]) == []
    assert state("DELETE FROM articles_article WHERE id = %(id)s", id=article["id"]) == ""
    assert sql("SELECT 1 FROM articles_articletag WHERE tag_id = %(id)s", id=tag["id"]) == []
