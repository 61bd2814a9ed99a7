"""What happens to a request before it is routed."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
from pydantic import BaseModel
from structlog.testing import capture_logs

from access import public
from config import bodies
from tests.support import Serve, refusal


class Text(BaseModel):
    """A body."""

    text: str


async def echo(text: Text) -> str:
    return text.text


@pytest.fixture
def client(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a client with a route that takes a body."""
    made = cast("Any", serve({"/read": lambda: "read"}))
    opened = public.routes() | {"POST /echo"}
    monkeypatch.setattr(public, "routes", lambda: opened)
    made.app.add_api_route("/echo", echo, methods=["POST"])
    return made


def in_parts(size: int) -> Iterator[bytes]:
    """Yield so many bytes of JSON; nothing says beforehand how many they are."""
    yield b'{"text": "'
    for _ in range((size - 12) // 1000):
        yield b"x" * 1000
    yield b"x" * ((size - 12) % 1000)
    yield b'"}'


@pytest.mark.security
@pytest.mark.parametrize(("size", "status"), [(bodies.LARGEST, 200), (bodies.LARGEST + 1, 413)])
def test_a_body_in_parts_is_measured(client: Any, size: int, status: int) -> None:
    """It arrives whole, or not at all."""
    headers = {"Content-Type": "application/json"}
    answer = client.post("/echo", content=in_parts(size), headers=headers)
    assert answer.status_code == status
    if status == 200:
        assert len(answer.json()) == size - 12


@pytest.mark.security
@pytest.mark.parametrize("kind", ["text/plain", "application/problem+json", ""])
def test_other_types_are_not_read(client: Any, kind: str) -> None:
    """Not even those that the framework would take for JSON."""
    answer = client.post("/echo", content=b'{"text": "x"}', headers={"Content-Type": kind})
    refusal(answer, 415, "unsupported_media_type")


def test_a_preflight_of_a_stranger_is_no_failure(client: Any) -> None:
    """The browser is told nothing that would let it go on."""
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "TRACE"}
    answer = client.options("/echo", headers=asked)
    assert (answer.status_code, answer.content) == (200, b"")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_head_is_a_head_in_the_log(client: Any) -> None:
    """Though it is routed as a GET is."""
    with capture_logs() as events:
        assert client.head("/read").status_code == 200
    (line,) = [event for event in events if event["event"] == "request_finished"]
    assert (line["method"], line["route"]) == ("HEAD", "/read")
