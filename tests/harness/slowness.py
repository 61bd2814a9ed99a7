"""Clients that begin a request and do not end it."""

import contextlib
import socket
import threading
import time
from typing import Self
from urllib.parse import urlsplit


class SlowClient:
    """A connection on which little comes and which its client never closes."""

    def __init__(self, url: str, beginning: bytes, drip: bytes = b"") -> None:
        """Send the beginning of a request, and `drip` twice a second from then on."""
        place = urlsplit(url)
        self._socket = socket.create_connection((place.hostname or "", place.port or 0))
        self._began = time.monotonic()
        self._drip = drip
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, args=[beginning])
        self.answer = b""
        self.seconds = 0.0  # how long the server bore it; 0 while it does

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection at last."""
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _live(self, beginning: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self._socket.settimeout(30)
            self._socket.sendall(beginning)
            self._socket.settimeout(0.5)
            while not self._over.is_set():
                try:
                    part = self._socket.recv(65536)
                except TimeoutError:
                    self._socket.sendall(self._drip)
                    continue
                if not part:
                    break
                self.answer += part
        self.seconds = time.monotonic() - self._began
