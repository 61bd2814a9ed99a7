"""Servers of a test's own, which answer what the test wants."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from socketserver import BaseRequestHandler
from threading import Thread


class Server(ThreadingHTTPServer):
    """Listens at a free port of this machine, a thread for each client."""

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class Quiet:
    """What a `BaseHTTPRequestHandler` is made with that says nothing of what it is asked."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(handler: type[BaseRequestHandler]) -> Iterator[Server]:
    """Yield a server that gives each client to `handler`, until the context is left."""
    with Server(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
