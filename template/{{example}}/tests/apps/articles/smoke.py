"""What `make smoke` and `make verify-deploy` do with articles, wherever the service runs."""

import uuid

from dev.smoke import CheckError, User

ARTICLES = "/api/v1/articles"


def check(user: User) -> None:
    """Write an article, read it, change it, find it, delete it."""
    title = f"Smoke {uuid.uuid4().hex}"
    body = {"title": title, "body": "Written by a check."}
    path = f"{ARTICLES}/{user.ask('POST', ARTICLES, 201, body).json()['id']}"
    try:
        user.ask("PATCH", path, 200, {"title": f"{title}, again"})
        if user.ask("GET", path).json()["title"] != f"{title}, again":
            raise CheckError("a change was answered and not kept")
        user.ask("GET", f"{ARTICLES}?page_size=1")
    finally:
        user.ask("DELETE", path, 204)
    user.ask("GET", path, 404)
