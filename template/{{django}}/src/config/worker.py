"""The server's worker: gunicorn's threads, with an end to every client's patience."""

import socket
import time
from contextlib import suppress
from typing import Any

from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.workers.gthread import ThreadWorker

HEAD_SECONDS = 10.0  # from a connection's first byte to the end of its headers
BODY_SECONDS = 30.0  # from there to the body's end


class Response(wsgi.Response):
    """Gunicorn's answer, which does not say that it is gunicorn's."""

    def default_headers(self) -> list[str]:
        """Return the headers of the server itself."""
        return [line for line in super().default_headers() if not line.startswith("Server:")]


wsgi.Response = Response


class Worker(ThreadWorker):
    """Cuts clients that are slow to send or to read; each would hold a thread for ever.

    Gunicorn itself limits neither, and as many slow clients as there are threads would
    leave none for the probes.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadlines: dict[Any, float] = {}

    def enqueue_req(self, conn: Any) -> None:
        """Expect the headers soon."""
        self._deadlines[conn] = time.monotonic() + HEAD_SECONDS
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """Wait here for a client to leave; gunicorn's main thread would, and serve nobody."""
        kept = super().handle(conn)
        if kept is False:
            with suppress(OSError):
                util.close_graceful(conn.sock.dup())
                conn.sock.shutdown(socket.SHUT_RD)
        return kept

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Expect the body soon, where there is one, and then an answer within REQUEST_TIMEOUT."""
        read = req.body.read

        def read_in_time(size: int | None = None) -> Any:
            self._deadlines[conn] = time.monotonic() + BODY_SECONDS
            try:
                return read(size)
            finally:
                self._deadlines[conn] = time.monotonic() + self.cfg.timeout

        req.body.read = read_in_time
        self._deadlines[conn] = time.monotonic() + self.cfg.timeout
        return super().handle_request(req, conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Expect nothing more."""
        self._deadlines.pop(conn, None)
        super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Called every second: cut who is late, which ends the thread's wait."""
        super().murder_pending()
        now = time.monotonic()
        for conn, deadline in list(self._deadlines.items()):
            if now > deadline:
                with suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RDWR)
