"""The health check of the container: 0 for a live service, 1 for anything else, and never late."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from config import identity
from tests.support import run

pytestmark = pytest.mark.integration  # only these may have sockets

COMMAND = [sys.executable, str(identity.ROOT / "src" / "healthcheck.py")]


class IPv6Server(ThreadingHTTPServer):
    """The same on the other stack."""

    address_family = socket.AF_INET6


@contextmanager
def serving(status: int = 200, seconds: float = 0, host: str = "127.0.0.1") -> Iterator[str]:
    """Yield the port of a server that answers `/live` with a status, after a while."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(seconds)
            self.send_response(status if self.path == "/live" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    kind = IPv6Server if ":" in host else ThreadingHTTPServer
    with kind((host, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield str(server.server_address[1])
        server.shutdown()


def check(**environ: str) -> tuple[int, str]:
    """Return the exit code and the one sentence."""
    done = run(*COMMAND, environ=environ)
    assert len(done.stdout.splitlines()) == 1, done.stderr
    assert not done.stderr
    return done.returncode, done.stdout


def test_a_live_service_is_healthy() -> None:
    """At the port that the service itself has from its environment."""
    with serving() as port:
        assert check(PORT=port) == (0, "/live is answered 200\n")


@pytest.mark.parametrize("status", [301, 404, 500, 503])
def test_another_answer_is_not(status: int) -> None:
    """Whatever is not 200 is no sign of life."""
    with serving(status) as port:
        assert check(PORT=port) == (1, f"/live is answered {status}\n")


def test_a_stopped_service_is_not() -> None:
    """Nobody listens."""
    with serving() as port:
        pass
    code, said = check(PORT=port)
    assert code == 1
    assert "refused" in said


def test_a_service_that_hangs_is_found_out_in_time() -> None:
    """By itself, whenever the service would have answered."""
    began = time.monotonic()
    with serving(seconds=30) as port:
        code, said = check(PORT=port)
        assert time.monotonic() - began < 20
    assert code == 1
    assert "nothing within 3 seconds" in said


def test_it_asks_where_the_service_listens(tmp_path: Path) -> None:
    """IPv6 and variables that are files are followed; a port that is none is said."""
    (tmp_path / "port").write_text("x\n")
    assert check(PORT_FILE=str(tmp_path / "port"))[0] == 1
    with serving() as port:
        (tmp_path / "port").write_text(f"{port}\n")
        assert check(PORT_FILE=str(tmp_path / "port"))[0] == 0
    assert check(PORT_FILE=str(tmp_path / "nothing"))[0] == 1
    try:
        with serving(host="::1") as port:
            assert check(PORT=port, BIND_HOST="[::]")[0] == 0
    except OSError:
        pytest.skip("this machine has no IPv6")
