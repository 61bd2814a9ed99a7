"""A request ends when its time is over or its client is gone, and its work with it."""

import asyncio
from collections.abc import Iterable

import pytest
from starlette.types import Message, Receive, Scope, Send

from config.middleware import DeadlineMiddleware

SCOPE: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
REQUEST: Message = {"type": "http.request", "body": b"", "more_body": False}


class Application:
    """An application that answers after a while and notes how it ended."""

    def __init__(self, seconds: float, *, begin: bool = False) -> None:
        self.seconds, self.begin = seconds, begin
        self.body = b""
        self.ended = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            while (message := await receive()).get("more_body"):
                self.body += message["body"]
            self.body += message.get("body", b"")
            if self.begin:
                await send({"type": "http.response.start", "status": 200, "headers": []})
            await asyncio.sleep(self.seconds)
            if not self.begin:
                await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"done"})
            self.ended = "answered"
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise


async def ask(
    application: Application,
    messages: Iterable[Message] = (REQUEST,),
    headers: Iterable[tuple[bytes, bytes]] = (),
    seconds: float = 5,
) -> list[Message]:
    """Send the client's messages, then stay silent; return the server's."""
    waiting = iter(messages)
    sent: list[Message] = []

    async def receive() -> Message:
        message = next(waiting, None)
        if message is None:
            await asyncio.Event().wait()
        assert message
        return message

    async def send(message: Message) -> None:
        sent.append(message)

    middleware = DeadlineMiddleware(application, seconds)
    await middleware({**SCOPE, "headers": list(headers)}, receive, send)
    return sent


def statuses(sent: list[Message]) -> list[int]:
    return [message["status"] for message in sent if "status" in message]


async def test_a_request_in_time_is_answered() -> None:
    """Nothing is added to it."""
    application = Application(0)
    assert statuses(await ask(application)) == [200]
    assert application.ended == "answered"


async def test_a_request_that_takes_too_long_is_503() -> None:
    """Its work is cancelled before the answer."""
    application = Application(30)
    assert statuses(await ask(application, seconds=0.05)) == [503]
    assert application.ended == "cancelled"


async def test_an_answer_that_began_is_not_answered_twice() -> None:
    """The connection ends with what was sent."""
    application = Application(30, begin=True)
    assert statuses(await ask(application, seconds=0.05)) == [200]
    assert application.ended == "cancelled"


async def test_a_client_that_left_cancels_its_work() -> None:
    """Nobody waits for the answer, so nobody makes it."""
    application = Application(30)
    sent = await asyncio.wait_for(ask(application, [REQUEST, {"type": "http.disconnect"}]), 5)
    assert sent == []
    assert application.ended == "cancelled"


async def test_a_body_reaches_the_application_whole() -> None:
    """Watching the client takes none of its messages."""
    application = Application(0)
    body: list[Message] = [
        {"type": "http.request", "body": b"one ", "more_body": True},
        {"type": "http.request", "body": b"two", "more_body": False},
    ]
    await ask(application, body, [(b"content-length", b"7")])
    assert application.body == b"one two"
    assert application.ended == "answered"


@pytest.mark.parametrize("header", [(b"content-length", b"3"), (b"transfer-encoding", b"chunked")])
async def test_a_client_that_leaves_after_its_body(header: tuple[bytes, bytes]) -> None:
    """From then on the watch sees it go."""
    application = Application(30)
    body: list[Message] = [
        {"type": "http.request", "body": b"one", "more_body": False},
        {"type": "http.disconnect"},
    ]
    await asyncio.wait_for(ask(application, body, [header]), 5)
    assert application.ended == "cancelled"


async def test_a_crash_is_passed_on() -> None:
    """The frame around it makes the 500."""

    async def crash(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError

    async def silent() -> Message:
        await asyncio.Event().wait()
        return {}

    async def send(message: Message) -> None:
        raise AssertionError

    with pytest.raises(KeyError):
        await DeadlineMiddleware(crash, 5)(SCOPE, silent, send)
