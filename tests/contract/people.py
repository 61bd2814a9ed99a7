"""Users of the service under test, and what they make through its API."""

import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from tests.harness.roles import new_client

REGISTER, TOKEN = "/api/v1/auth/register", "/api/v1/auth/token"
REFRESH, REVOKE, CHANGE_PASSWORD = f"{TOKEN}/refresh", f"{TOKEN}/revoke", "/api/v1/auth/password"
USERS = "/api/v1/users"
ME, PROFILE = f"{USERS}/me", "/api/v1/profiles/me"
ARTICLES, TAGS, STATS = "/api/v1/articles", "/api/v1/tags", "/api/v1/articles/stats"
PASSWORD = "correct horse battery"
NOBODY = "00000000-0000-4000-8000-000000000000"  # an id that nothing has
TOKEN_KEYS = ["access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in"]

Thing = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """A registered user, and a client that sends the user's token."""

    id: str
    email: str
    http: httpx.Client
    tokens: Thing  # of the first login

    def write(self, **fields: object) -> Thing:
        """Make an article, published unless told otherwise, and return it."""
        content = {"title": "A title", "body": "A body.", "status": "published"} | fields
        return made(self.http.post(ARTICLES, json=content))

    def comment(self, article: Thing, **fields: object) -> Thing:
        """Make a comment on an article and return it."""
        return made(self.http.post(comments_of(article), json={"body": "A remark."} | fields))

    def tag(self, name: str = "") -> Thing:
        """Make a tag, with a name that nobody thought of unless one is given, and return it."""
        return made(self.http.post(TAGS, json={"name": name or unheard_of()}))


def unheard_of() -> str:
    """Return a word that no other test uses."""
    return f"w{uuid.uuid4().hex[:12]}"


def new_person(url: str) -> Person:
    """Register somebody, log in, and return who it is."""
    email = f"{unheard_of()}@example.org"
    with new_client(url) as client:
        made(client.post(REGISTER, json={"email": email, "password": PASSWORD}))
        tokens = log_in(client, email)
    http = new_client(url, headers=bearer(tokens["access_token"]))
    return Person(http.get(ME).json()["id"], email, http, tokens)


def log_in(client: httpx.Client, email: str, password: str = PASSWORD, **more: Any) -> Thing:
    """Log in and return the two tokens and their lifetimes."""
    return done(client.post(TOKEN, json={"email": email, "password": password}, **more))


def token_of(client: httpx.Client, email: str, password: str = PASSWORD) -> str:
    """Log in and return the access token."""
    return str(log_in(client, email, password)["access_token"])


def bearer(token: object) -> dict[str, str]:
    """Return the header that a token is sent in."""
    return {"Authorization": f"Bearer {token}"}


def done(answer: httpx.Response) -> Thing:
    """Return what a request found or changed."""
    assert answer.status_code == 200, answer.text
    thing: Thing = answer.json()
    return thing


def made(answer: httpx.Response) -> Thing:
    """Return what a request made."""
    assert answer.status_code == 201, answer.text
    thing: Thing = answer.json()
    return thing


def place_of(article: Thing) -> str:
    """Return the path of an article."""
    return f"{ARTICLES}/{article['id']}"


def comments_of(article: Thing) -> str:
    """Return the path of an article's comments."""
    return f"{place_of(article)}/comments"


def user_of(person: Person) -> str:
    """Return the path of a user, for those who look after users."""
    return f"{USERS}/{person.id}"


def roles_of(person: Person) -> str:
    """Return the path of a user's roles."""
    return f"{user_of(person)}/roles"


def faults(answer: httpx.Response) -> dict[str, str]:
    """Return the code of each value that an answer refuses."""
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "validation_failed"
    return {error["pointer"]: error["code"] for error in answer.json()["errors"]}
