"""A client that a generator makes from the OpenAPI document speaks with the service."""

import importlib
import json
import subprocess
from pathlib import Path
from typing import Any, get_type_hints

import httpx
import pytest

from tests.contract.people import (
    ARTICLES,
    ME,
    NOBODY,
    PASSWORD,
    REFRESH,
    REGISTER,
    TOKEN,
    unheard_of,
)
from tests.harness.projects import find_uv

pytestmark = pytest.mark.full

GENERATOR = "openapi-python-client>=0.29,<0.30"
ONE, COMMENTS = f"{ARTICLES}/{{article_id}}", f"{ARTICLES}/{{article_id}}/comments"


class Generated:
    """The package that the generator made, whose functions are called as its operations are."""

    def __init__(self, document: dict[str, Any], folder: Path, name: str) -> None:
        """Make the package `name` in a folder."""
        (folder / "openapi.json").write_text(json.dumps(document))
        done = subprocess.run(
            [
                *[find_uv(), "tool", "run", "--quiet", "--from", GENERATOR],
                *["openapi-python-client", "generate", "--fail-on-warning", "--meta", "none"],
                *["--path", "openapi.json", "--output-path", name],
            ],
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self._document, self._name = document, name
        self.client = importlib.import_module(name)

    def call(
        self, client: object, method: str, path: str, body: object = None, **more: object
    ) -> Any:
        """Call an operation and return its answer: `status_code` and `parsed`, a model."""
        operation = self._document["paths"][path][method]
        place = f"{self._name}.api.{operation['tags'][0]}.{operation['operationId']}"
        function = importlib.import_module(place).sync_detailed
        if body is not None:
            more["body"] = get_type_hints(function)["body"].from_dict(body)
        return function(client=client, **more)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_generated_client_comes_in_makes_lists_and_reads_failures(
    guest: httpx.Client,
    api_url: str,
    framework: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Typed from the login to the pointer of a fault, and nobody wrote a line of it."""
    monkeypatch.syspath_prepend(tmp_path)
    made = Generated(guest.get("/api/schema").json(), tmp_path, f"generated_{framework}")
    anybody = made.client.Client(base_url=api_url, httpx_args={"trust_env": False})
    email = f"{unheard_of()}@example.org"
    user = made.call(anybody, "post", REGISTER, {"email": email, "password": PASSWORD})
    assert (user.status_code, user.parsed.email) == (201, email)
    login = made.call(anybody, "post", TOKEN, {"email": email, "password": PASSWORD})
    renewal = {"refresh_token": login.parsed.refresh_token}
    renewed = made.call(anybody, "post", REFRESH, renewal)
    me = made.client.AuthenticatedClient(
        base_url=api_url, token=renewed.parsed.access_token, httpx_args={"trust_env": False}
    )
    assert made.call(me, "get", ME).parsed.id == user.parsed.id

    content = {"title": "By a machine", "body": "Hm.", "status": "published"}
    article = made.call(me, "post", ARTICLES, content).parsed
    assert (article.title, article.author.id) == ("By a machine", user.parsed.id)
    assert article.published_at.tzinfo
    comment = made.call(me, "post", COMMENTS, {"body": "Aha."}, article_id=article.id).parsed
    assert comment.parent_id is None
    page = made.call(me, "get", ARTICLES, author=user.parsed.id, page_size=5).parsed
    assert (page.count, page.next_, [each.id for each in page.results]) == (1, None, [article.id])
    said = made.call(me, "get", COMMENTS, article_id=article.id).parsed
    assert [each.body for each in said.results] == ["Aha."]

    missing = made.call(me, "get", ONE, article_id=NOBODY)
    assert (missing.status_code, missing.parsed.code) == (404, "not_found")
    refused = made.call(me, "post", ARTICLES, content | {"title": ""})
    [fault] = refused.parsed.errors
    assert (refused.status_code, fault.pointer, str(fault.code)) == (422, "#/title", "too_short")
    assert made.call(anybody, "get", ME).parsed.code == "not_authenticated"
    assert made.call(me, "delete", ONE, article_id=article.id).status_code == 204
