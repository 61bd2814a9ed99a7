"""Run the service on this machine: `python dev/run.py`, or `python dev/run.py manage …`.

The servers come from `dev/servers.py`; this process then becomes the service's own entrypoint, and
so keeps the lock on them.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from dotenv import load_dotenv

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dev.servers import ROOT, ServerError, start

ENTRYPOINT = [sys.executable, str(ROOT / "src" / "entrypoint.py")]


def is_taken(port: int) -> bool:
    """Return whether somebody listens on the port already."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def become(*arguments: str) -> NoReturn:
    """Replace this process by the entrypoint."""
    os.execv(sys.executable, [*ENTRYPOINT, *arguments])  # noqa: S606 - there is nothing to quote


def main(arguments: list[str]) -> NoReturn:
    """Start the servers, migrate, and become the web role; with `manage`, become that command."""
    load_dotenv(ROOT / ".env", interpolate=False)
    os.environ.setdefault("ENVIRONMENT", "development")
    os.environ.setdefault("BIND_HOST", "127.0.0.1")
    os.environ.setdefault("DRAIN_SECONDS", "0")
    told = os.environ.get("PORT") or "8000"
    port = int(told) if told.isdecimal() else 0
    if not 0 < port < 2**16:
        sys.exit(f"PORT is {told!r}: it must be a number from 1 to 65535.")
    if arguments[:1] != ["manage"] and is_taken(port):
        sys.exit(f"Port {port} is taken: choose another, as in `PORT={port + 1} make run`.")
    os.environ.update(start())
    if arguments[:1] == ["manage"]:
        become(*arguments)
    # The migration inherits the lock too: it keeps its servers even if this process is killed.
    migration = subprocess.run([*ENTRYPOINT, "migrate"], close_fds=False)
    if migration.returncode:
        sys.exit(migration.returncode)
    print(f"Starting on http://127.0.0.1:{port}", flush=True)
    become("web")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ServerError as fault:
        sys.exit(str(fault))
    except KeyboardInterrupt:
        sys.exit(130)
