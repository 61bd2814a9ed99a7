"""The server's worker: uvicorn under gunicorn's arbiter."""

import logging
from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):
    """Uvicorn with our log, and without headers or lines that tell what serves."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "access_log": False,
        "date_header": True,
        "lifespan": "on",
        "loop": "auto",
        "http": "auto",
        "proxy_headers": False,
        "server_header": False,
        "ws": "none",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Let the root logger write what uvicorn says, and bound its own stop."""
        super().__init__(*args, **kwargs)
        logging.getLogger("uvicorn.error").propagate = True
        self.config.timeout_graceful_shutdown = self.cfg.graceful_timeout
