"""One user's way through the API, as a client walks it; runs against any service."""

import httpx
import pytest

from tests.contract.people import (
    ARTICLES,
    ME,
    NOBODY,
    PASSWORD,
    PROFILE,
    REGISTER,
    STATS,
    TAGS,
    TOKEN,
    TOKEN_KEYS,
    comments_of,
    made,
    place_of,
    unheard_of,
)
from tests.contract.test_http import assert_is_problem
from tests.harness.roles import new_client


def test_from_the_registration_to_the_last_farewell(guest: httpx.Client, api_url: str) -> None:
    """Register, log in, write, publish, comment, find, delete: every step builds on the last."""
    email, word = f"{unheard_of()}@example.org", unheard_of()
    registered = guest.post(REGISTER, json={"email": email, "password": PASSWORD})
    assert registered.headers["Location"] == ME
    user = made(registered)

    login = guest.post(TOKEN, json={"email": email, "password": PASSWORD})
    assert login.status_code == 200
    assert login.headers["Cache-Control"] == "no-store"
    token = login.json()
    assert list(token) == TOKEN_KEYS
    assert (token["token_type"], type(token["expires_in"])) == ("Bearer", int)

    headers = {"Authorization": f"Bearer {token['access_token']}"}
    with new_client(api_url, headers=headers) as me:
        assert me.get(ME).json() == user

        tag = made(me.post(TAGS, json={"name": word}))
        written = me.post(
            ARTICLES, json={"title": f"On {word}", "body": "It is.", "tag_ids": [tag["id"]]}
        )
        article = made(written)
        assert written.headers["Location"] == place_of(article)
        assert (article["status"], article["published_at"]) == ("draft", None)
        assert article["author"] == {"id": user["id"], "full_name": ""}
        assert article["tags"] == [tag]

        published = me.patch(place_of(article), json={"status": "published"})
        assert published.status_code == 200
        assert published.json()["published_at"]
        assert me.get(place_of(article)).json() == published.json()

        said = me.post(comments_of(article), json={"body": "Is it?"})
        comment = made(said)
        assert said.headers["Location"] == f"{comments_of(article)}/{comment['id']}"
        assert me.get(said.headers["Location"]).json() == comment
        assert me.get(comments_of(article)).json()["results"] == [comment]

        shown = {name: value for name, value in published.json().items() if name != "body"}
        for query in ({"tag": word}, {"search": word}, {"author": user["id"], "ordering": "title"}):
            page = me.get(ARTICLES, params=query).json()
            assert (page["count"], page["results"]) == (1, [shown])

        assert_is_problem(me.delete(ME), 409, "in_use")
        assert me.delete(said.headers["Location"]).status_code == 204
        gone = me.delete(place_of(article))
        assert (gone.status_code, gone.content) == (204, b"")
        assert_is_problem(me.get(place_of(article)), 404, "not_found")
        assert me.get(STATS).status_code == 200
        assert me.delete(ME).status_code == 204
        assert_is_problem(me.get(ME), 401, "invalid_token")


@pytest.mark.parametrize(
    "path",
    [
        *[ARTICLES, STATS, TAGS, ME, PROFILE],
        *[f"{ARTICLES}/{NOBODY}", f"{ARTICLES}/{NOBODY}/comments", f"{TAGS}/{NOBODY}"],
    ],
)
def test_nothing_is_shown_to_a_stranger(guest: httpx.Client, path: str) -> None:
    """What is not on the public list needs a token."""
    answer = guest.get(path)
    assert_is_problem(answer, 401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
