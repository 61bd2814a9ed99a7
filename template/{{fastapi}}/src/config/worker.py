"""The server's worker: uvicorn under gunicorn's arbiter."""

import asyncio
import os
import signal
import socket

import uvicorn
from gunicorn.workers import base
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LINGER = 1.0  # seconds a stopping worker still takes requests on connections that are open
HEAD_SECONDS = 10.0  # from a connection's opening, or a request's first byte, to its headers' end
HEAD_BYTES = 64 * 1024
BODY_SECONDS = 30.0  # from there to the body's end


class Protocol(HttpToolsProtocol):
    """HTTP with an end to a client's headers, in time and size, and its body; uvicorn has none."""

    _timer: asyncio.TimerHandle | None = None
    _in_head = True
    _in_body = False
    _begun = 0  # requests, in what arrived last
    _size = 0  # of what arrived and is no body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect the first headers soon."""
        super().connection_made(transport)
        self._expect_head()

    def on_message_begin(self) -> None:
        """Expect the next headers soon."""
        super().on_message_begin()
        self._begun += 1
        self._expect_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take headers; what comes after a body's chunks is none."""
        if self._in_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Know a body when it comes."""
        self._in_body = True
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """Expect the body soon."""
        self._expect_within(BODY_SECONDS)
        self._in_head = False
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Expect the rest of a body that the answer did not wait for soon."""
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:
            self._expect_within(HEAD_SECONDS)

    def on_message_complete(self) -> None:
        """Expect nothing more."""
        super().on_message_complete()
        self._stop_timer()

    def data_received(self, data: bytes) -> None:
        """Count what arrives before the headers are complete, and after the body."""
        self._in_body, self._begun = False, 0
        super().data_received(data)
        small = self._in_body or self._begun > 1  # many requests may arrive at once
        self._size = 0 if small else self._size + len(data)
        if self._size > HEAD_BYTES:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._in_head, self._size = True, 0
        self._expect_within(HEAD_SECONDS)

    def _expect_within(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()


class Server(uvicorn.Server):
    """Uvicorn, which at its stop waits for requests that are already on their way."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing new, linger, then let uvicorn finish what runs."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(LINGER)
        await super().shutdown(sockets)


class Worker(base.Worker):
    """One process with one event loop."""

    def init_signals(self) -> None:
        """Leave the signals to uvicorn, but for the one that the arbiter sends a hanging worker."""
        for each in self.SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        signal.signal(signal.SIGABRT, self.handle_abort)

    def handle_abort(self, *_: object) -> None:
        """Say so and be gone; to end in good order, the loop would have to turn."""
        self.cfg.worker_abort(self)
        os._exit(1)

    def run(self) -> None:
        """Serve until told to stop."""
        config = uvicorn.Config(
            self.wsgi,
            access_log=False,
            callback_notify=self._beat,
            http=Protocol,
            lifespan="on",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=max(int(self.cfg.graceful_timeout - LINGER) - 1, 1),
            timeout_keep_alive=self.cfg.keepalive,
            timeout_notify=1,
            ws="none",  # an upgrade is a plain GET; see `access.middleware.AccessMiddleware`
        )
        Server(config).run(sockets=self.sockets)

    async def _beat(self) -> None:
        self.notify()
        if os.getppid() != self.ppid:  # the arbiter was killed, and nobody else will stop us
            signal.raise_signal(signal.SIGTERM)
