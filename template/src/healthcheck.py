"""Tell whether the web role of this container is alive: exit code 0 or 1, and one sentence.

The Dockerfile's HEALTHCHECK runs it, so it needs nothing but the standard library.
"""

import http.client
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

SECONDS = 3
# Where to reach a server that listens on every address.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound


def variable(name: str, default: str) -> str:
    """Return a variable, or the content of the file that `NAME_FILE` names."""
    path = os.environ.get(f"{name}_FILE")
    text = Path(path).read_text(encoding="utf-8-sig") if path else os.environ.get(name)
    return (text or default).strip()


def too_late(*_: object) -> NoReturn:
    """End the attempt, whatever it is waiting for."""
    raise TimeoutError(f"nothing within {SECONDS} seconds")


def ask(host: str, port: int) -> int:
    """Return the status of `GET /live`."""
    connection = http.client.HTTPConnection(host, port)
    connection.request("GET", "/live")
    return connection.getresponse().status


def main() -> int:
    """Ask once."""
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(SECONDS)
    try:
        host = variable("BIND_HOST", "0.0.0.0").strip("[]")  # noqa: S104 - the service's default
        answer = ask(EVERYWHERE.get(host, host), int(variable("PORT", "8000")))
    except (OSError, ValueError, http.client.HTTPException) as fault:
        sys.stdout.write(f"/live is not answered: {type(fault).__name__}: {fault}\n")
        return 1
    sys.stdout.write(f"/live is answered {answer}\n")
    return 0 if answer == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
