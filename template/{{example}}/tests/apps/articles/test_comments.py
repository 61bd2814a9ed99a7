"""Comments over HTTP: under their article, by cursor, answered to each other."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.apps.articles.conftest import Publish
from tests.apps.articles.factories import ArticleFactory, CommentFactory
from tests.support import Client, Login, Make, MakeUser, Person, faults, refusal

pytestmark = pytest.mark.integration

START = datetime(2026, 1, 1, tzinfo=UTC)
NOBODY = "00000000-0000-4000-8000-000000000000"


def under(article: Any, comment: Any = None) -> str:
    path = f"/api/v1/articles/{article.id}/comments"
    return f"{path}/{comment.id}" if comment else path


@pytest.fixture
def user(make_user: MakeUser) -> Person:
    return make_user(full_name="Ada Lovelace")


@pytest.fixture
def headers(user: Person, login: Login) -> dict[str, str]:
    """Return the headers of `user`, who is nobody special."""
    return login(user)


def bodies(page: dict[str, Any]) -> list[str]:
    return [each["body"] for each in page["results"]]


def test_a_comment_and_its_answer(
    data_client: Client, user: Person, headers: dict[str, str], publish: Publish
) -> None:
    """Each has its author, and an answer the comment that it is to."""
    article = publish()
    answer = data_client.post(under(article), json={"body": " Well said. "}, headers=headers)
    assert answer.status_code == 201
    comment = answer.json()
    assert list(comment) == ["id", "body", "author", "parent_id", "created_at", "updated_at"]
    assert comment["body"] == "Well said."
    assert comment["author"] == {"id": str(user.id), "full_name": "Ada Lovelace"}
    assert comment["parent_id"] is None
    assert answer.headers["Location"] == f"{under(article)}/{comment['id']}"
    assert data_client.get(answer.headers["Location"], headers=headers).json() == comment
    body = {"body": "No.", "parent_id": comment["id"]}
    reply = data_client.post(under(article), json=body, headers=headers).json()
    assert reply["parent_id"] == comment["id"]
    page = data_client.get(under(article), headers=headers).json()
    assert page == {"next": None, "previous": None, "results": [comment, reply]}


def test_a_bad_comment(
    data_client: Client, headers: dict[str, str], publish: Publish, subtests: pytest.Subtests
) -> None:
    """Its faults are named, and there is no comment."""
    article = publish()
    bad: list[tuple[object, dict[str, str]]] = [
        (None, {"#": "required"}),
        ({}, {"#/body": "required"}),
        ({"body": " "}, {"#/body": "too_short"}),
        ({"body": "x" * 5001}, {"#/body": "too_long"}),
        ({"body": 1, "parent_id": 1}, {"#/body": "invalid_type", "#/parent_id": "invalid_type"}),
        ({"body": "x", "parent_id": "x"}, {"#/parent_id": "invalid_format"}),
        ({"body": "x", "parent_id": NOBODY}, {"#/parent_id": "not_found"}),
        ({"body": "x", "author": None}, {"#/author": "unknown_field"}),
    ]
    for body, expected in bad:
        with subtests.test(body=body):
            assert faults(data_client.post(under(article), json=body, headers=headers)) == expected
    assert data_client.get(under(article), headers=headers).json()["results"] == []


def test_an_answer_stays_under_its_article(
    data_client: Client, headers: dict[str, str], make: Make, publish: Publish
) -> None:
    """A comment of another article is nothing to answer to, and is not found here."""
    article, other = publish(), make(CommentFactory, article=publish())
    body = {"body": "No.", "parent_id": str(other.id)}
    answer = data_client.post(under(article), json=body, headers=headers)
    assert faults(answer) == {"#/parent_id": "not_found"}
    for method in ("get", "delete"):
        answer = getattr(data_client, method)(under(article, other), headers=headers)
        refusal(answer, 404, "not_found")


@pytest.mark.security
def test_comments_of_a_hidden_article_are_hidden(
    data_client: Client, user: Person, headers: dict[str, str], make: Make
) -> None:
    """Also from those who wrote them."""
    comment = make(CommentFactory, article=make(ArticleFactory), author=user)
    path, one = under(comment.article), under(comment.article, comment)
    for answer in (
        data_client.get(path, headers=headers),
        data_client.post(path, json={"body": "x"}, headers=headers),
        data_client.get(one, headers=headers),
        data_client.patch(one, json={"body": "x"}, headers=headers),
        data_client.delete(one, headers=headers),
    ):
        refusal(answer, 404, "not_found")


@pytest.mark.security
@pytest.mark.parametrize(
    ("who", "statuses"),
    [("author", (200, 204)), ("other", (403, 403)), ("owner", (403, 403)), ("admin", (200, 204))],
)
def test_who_may_change_a_comment(
    data_client: Client,
    make: Make,
    make_user: MakeUser,
    login: Login,
    publish: Publish,
    who: str,
    statuses: tuple[int, int],
) -> None:
    """Who wrote it and admins, not who owns the article."""
    author, owner = make_user(), make_user()
    comment = make(CommentFactory, article=publish(author=owner), author=author)
    people = {"author": author, "owner": owner}
    actor = login(people.get(who) or make_user(is_superuser=who == "admin"))
    path = under(comment.article, comment)
    changed = data_client.patch(path, json={"body": "Mended."}, headers=actor)
    gone = data_client.delete(path, headers=actor)
    assert (changed.status_code, gone.status_code) == statuses
    if changed.status_code == 200:
        assert changed.json()["body"] == "Mended."
        assert changed.json()["author"]["id"] == str(author.id)
        assert changed.json()["updated_at"] > changed.json()["created_at"]
    else:
        assert refusal(changed, 403, "forbidden").json() != refusal(gone, 403, "forbidden")
        found = data_client.get(path, headers=login(author)).json()
        assert found["body"] == comment.body


def test_a_change_of_nothing(
    data_client: Client, user: Person, headers: dict[str, str], make: Make, publish: Publish
) -> None:
    """Is fine; null and what is not to be moved are not."""
    comment = make(CommentFactory, article=publish(), author=user)
    path = under(comment.article, comment)
    assert data_client.patch(path, json={}, headers=headers).json()["body"] == comment.body
    for body, expected in (
        ({"body": None}, {"#/body": "invalid_type"}),
        ({"parent_id": None}, {"#/parent_id": "unknown_field"}),
    ):
        assert faults(data_client.patch(path, json=body, headers=headers)) == expected


def test_pages_follow_while_rows_come_and_go(
    data_client: Client, headers: dict[str, str], make: Make, publish: Publish
) -> None:
    """Nothing comes twice, and nothing that stays is left out; back leads to the same rows."""
    article = publish()
    comments = [
        # Three of each moment: the id decides.
        make(
            CommentFactory,
            article=article,
            body=f"{number}",
            created_at=START + timedelta(minutes=number // 3),
        )
        for number in range(9)
    ]
    ordered = [each.body for each in sorted(comments, key=lambda each: (each.created_at, each.id))]
    first = data_client.get(f"{under(article)}?page_size=4", headers=headers).json()
    assert list(first) == ["next", "previous", "results"]
    assert (bodies(first), first["previous"]) == (ordered[:4], None)
    early = make(CommentFactory, article=article, created_at=START - timedelta(1))
    late = make(CommentFactory, article=article, created_at=START + timedelta(1))
    second = data_client.get(first["next"], headers=headers).json()
    assert bodies(second) == ordered[4:8]
    third = data_client.get(second["next"], headers=headers).json()
    assert (bodies(third), third["next"]) == ([ordered[8], late.body], None)
    back = data_client.get(third["previous"], headers=headers).json()
    assert bodies(back) == ordered[4:8]
    start = data_client.get(back["previous"], headers=headers).json()
    assert bodies(start) == ordered[:4]
    before = data_client.get(start["previous"], headers=headers).json()
    assert (bodies(before), before["previous"]) == ([early.body], None)


def test_a_cursor_survives_its_row(
    data_client: Client, user: Person, headers: dict[str, str], make: Make, publish: Publish
) -> None:
    """The comment beside it may be deleted meanwhile."""
    article = publish()
    made = [
        make(CommentFactory, article=article, author=user, created_at=START + timedelta(number))
        for number in range(4)
    ]
    first = data_client.get(f"{under(article)}?page_size=2", headers=headers).json()
    data_client.delete(under(article, made[1]), headers=headers)
    second = data_client.get(first["next"], headers=headers).json()
    assert [each["id"] for each in second["results"]] == [str(each.id) for each in made[2:]]


@pytest.mark.security
def test_a_bad_cursor(
    data_client: Client, headers: dict[str, str], make: Make, publish: Publish
) -> None:
    """Altered, another article's, or other people's invention."""
    article, other = publish(), publish()
    for each in (article, other):
        for _ in range(2):
            make(CommentFactory, article=each)

    def cursor(of: Any) -> str:
        page = data_client.get(f"{under(of)}?page_size=1", headers=headers).json()
        return str(page["next"]).partition("cursor=")[2].partition("&")[0]

    ours = cursor(article)
    altered = ("B" if ours[0] == "A" else "A") + ours[1:]
    for bad in (altered, ours[:-1], cursor(other), "x", "%00", "eyJpZCI6MX0"):
        answer = data_client.get(f"{under(article)}?cursor={bad}", headers=headers)
        assert faults(answer) == {"?cursor": "invalid_cursor"}, bad
    for query, expected in (
        ("page_size=101", {"?page_size": "too_large"}),
        ("page=1", {"?page": "unknown_parameter"}),
        (f"cursor={'x' * 501}", {"?cursor": "too_long"}),
    ):
        answer = data_client.get(f"{under(article)}?{query}", headers=headers)
        assert faults(answer) == expected


def test_a_comment_outlives_its_author(
    data_client: Client,
    make_user: MakeUser,
    headers: dict[str, str],
    login: Login,
    make: Make,
    publish: Publish,
) -> None:
    """Without a name."""
    author = make_user()
    comment = make(CommentFactory, article=publish(), author=author)
    assert data_client.delete("/api/v1/users/me", headers=login(author)).status_code == 204
    (found,) = data_client.get(under(comment.article), headers=headers).json()["results"]
    assert (found["body"], found["author"]) == (comment.body, None)
