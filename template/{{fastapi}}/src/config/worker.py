"""The server's worker: uvicorn under gunicorn's arbiter."""

import asyncio
import signal
import socket

import uvicorn
from gunicorn.workers import base

LINGER = 1.0  # seconds a stopping worker still takes requests on connections that are open


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

    def run(self) -> None:
        """Serve until told to stop."""
        config = uvicorn.Config(
            self.wsgi,
            access_log=False,
            callback_notify=self._beat,
            lifespan="on",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=max(int(self.cfg.graceful_timeout - LINGER) - 1, 1),
            timeout_keep_alive=self.cfg.keepalive,
            timeout_notify=1,
            ws="none",
        )
        Server(config).run(sockets=self.sockets)

    async def _beat(self) -> None:
        self.notify()
