"""The way of a user through a service: this one, or one that runs anywhere.

`BASE_URL=https://staging.example.com make test ARGS="-k journey"` tests what is deployed there.
"""

import json as parser
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partialmethod
from http.client import HTTPConnection, HTTPSConnection
from typing import Any, cast
from urllib.parse import urlsplit

from tests.support import PASSWORD, Client, Headers


@dataclass(frozen=True)
class Answer:
    """What a service answered."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        return parser.loads(self.content)


class Remote:
    """A client of a service somewhere else."""

    def __init__(self, url: str) -> None:
        self.url = urlsplit(url.rstrip("/"))

    def _send(
        self, method: str, path: str, /, *, json: object = None, headers: Headers = None
    ) -> Answer:
        kind = HTTPSConnection if self.url.scheme == "https" else HTTPConnection
        connection = kind(self.url.netloc, timeout=30)
        body, sent = None, dict(headers or {})
        if json is not None:
            body, sent["Content-Type"] = parser.dumps(json), "application/json"
        try:
            connection.request(method, self.url.path + path, body, sent)
            found = connection.getresponse()
            shown = cast("Mapping[str, str]", found.headers)  # whatever the case of a name
            return Answer(found.status, shown, found.read())
        finally:
            connection.close()

    get = partialmethod(_send, "GET")
    head = partialmethod(_send, "HEAD")
    options = partialmethod(_send, "OPTIONS")
    post = partialmethod(_send, "POST")
    put = partialmethod(_send, "PUT")
    patch = partialmethod(_send, "PATCH")
    delete = partialmethod(_send, "DELETE")


class Traveller:
    """Somebody who registers and logs in; each step says which it is when it fails."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.headers: dict[str, str] = {}
        email = f"{name}-{uuid.uuid4().hex}@example.org"
        account = {"email": email, "password": PASSWORD}
        self.user = self.does("post", "/api/v1/auth/register", 201, account | {"full_name": name})
        token = self.does("post", "/api/v1/auth/token", 200, account)["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def does(self, method: str, path: str, status: int, body: object = None, **headers: str) -> Any:
        """Take a step and return what was answered; `headers` are written with underscores."""
        options: dict[str, Any] = {} if body is None else {"json": body}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        ask = getattr(self.client, method)
        answer = ask(path, headers=self.headers | named, **options)
        assert answer.status_code == status, (
            f"{method.upper()} {path}: {answer.status_code} instead of {status}: {answer.content!r}"
        )
        return answer.json() if answer.content else answer.headers

    def leaves(self) -> None:
        """Delete the account; the token is worth nothing from then on."""
        self.does("delete", "/api/v1/users/me", 204)
        self.does("get", "/api/v1/users/me", 401)
