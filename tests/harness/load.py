"""Clients that ask again and again while something happens to the service."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import httpx

from tests.harness.roles import new_client


@dataclass(frozen=True)
class Answer:
    """What became of one request; `status` is 0 where there was no answer."""

    began: float  # seconds since the epoch
    seconds: float
    status: int
    fault: str = ""
    retry_after: str = ""

    @property
    def ended(self) -> float:
        """When it was there, in seconds since the epoch."""
        return self.began + self.seconds


Request = Callable[[httpx.Client], httpx.Response]


class Load:
    """Some clients, each with one request at a time; leaving the context waits for the last."""

    def __init__(
        self,
        url: str,
        request: str | Request,
        clients: int = 8,
        pause: float = 0.05,
        keep_alive: bool = True,
        **more: Any,
    ) -> None:
        """Each sends a request, or gets a path, and then rests `pause` seconds, as the machine can.

        `more` is what all clients are made with, for example their headers.
        """
        self._request = request if callable(request) else _getting(request)
        self._pause = pause
        kept = clients if keep_alive else 0
        # Given up before KEEP_ALIVE, 5 seconds: who asks at the moment at which the server closes
        # an idle connection gets no answer, and nobody can help it.
        limits = httpx.Limits(
            max_connections=clients, max_keepalive_connections=kept, keepalive_expiry=3
        )
        self._client = new_client(url, limits=limits, **more)
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        self.answers: list[Answer] = []

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, and let what was begun finish."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._client.close()

    def _ask(self) -> None:
        while not self._over.is_set():
            began, started = time.time(), time.monotonic()
            status, fault, retry_after = 0, "", ""
            try:
                answer = self._request(self._client)
                status, retry_after = answer.status_code, answer.headers.get("Retry-After", "")
            except httpx.TransportError as error:
                fault = repr(error)
            seconds = time.monotonic() - started
            self.answers.append(Answer(began, seconds, status, fault, retry_after))
            self._over.wait(self._pause)

    def since(self, moment: float) -> list[Answer]:
        """Return what became of requests that began at `moment` or later."""
        return [answer for answer in list(self.answers) if answer.began >= moment]


def _getting(path: str) -> Request:
    return lambda client: client.get(path)
