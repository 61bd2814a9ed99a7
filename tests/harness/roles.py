"""A role of a service as a process: its environment goes in, its lines and its code come out."""

import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import threading
import time
import uuid
from pathlib import Path
from typing import IO, Any, Self

import httpx

from tests.harness.projects import Project
from tests.harness.servers import processes, signal_all
from tests.harness.waiting import until

# What every line of production has, whatever wrote it.
KEYS = {"timestamp", "level", "event", "logger", "service", "environment", "version", "role", "pid"}
THROTTLES = ("ANONYMOUS", "USER", "BURST", "STRICT")

Event = dict[str, Any]


def complete_environment(**more: str) -> dict[str, str]:
    """Return what production asks for but the servers, and what keeps it on this machine."""
    return {
        "ENVIRONMENT": "production",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "JWT_SIGNING_KEY": secrets.token_urlsafe(48),
        "ALLOWED_HOSTS": "127.0.0.1,service.test",
        "CORS_ALLOWED_ORIGINS": "https://app.test",
        "ALLOW_DUMMY_PROVIDERS": "true",  # the fixture domain has one
        "BIND_HOST": "127.0.0.1",
        "DRAIN_SECONDS": "0",
        "WEB_CONCURRENCY": "1",
        "HTTPS_REDIRECT": "false",  # no proxy stands before it
        **{f"THROTTLE_{name}": "1000000/minute" for name in THROTTLES},
        **more,
    }


class Role:
    """`python src/entrypoint.py …` with exactly the environment that is given."""

    def __init__(
        self,
        project: Project,
        *arguments: str,
        environ: dict[str, str],
        tree: Path | None = None,
        call: tuple[str, ...] = (),
    ) -> None:
        """Start it in the contract's tree, or in another one; `call` is what runs Python there."""
        self._mark = f"CONTRACT_MARK={uuid.uuid4().hex}"
        self.lines: list[str] = []
        self.events: list[Event] = []
        self.plain: list[str] = []  # the lines that are no JSON object
        self.url = f"http://127.0.0.1:{environ.get('PORT', '')}"
        self.process = subprocess.Popen(
            [*(call or [str(project.production)]), "src/entrypoint.py", *arguments],
            cwd=tree or project.contract,
            env=dict([self._mark.split("=")]) | {"PATH": os.defpath} | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        streams = [self.process.stdout, self.process.stderr]
        self._readers = [threading.Thread(target=self._read, args=[stream]) for stream in streams]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        """Return the role."""
        return self

    def __exit__(self, *_: object) -> None:
        """End whatever is left of it."""
        while left := self.pids():  # one of them may just be starting another
            signal_all(left, signal.SIGKILL)
            time.sleep(0.01)
        self.process.wait()
        for reader in self._readers:
            reader.join()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            self.lines.append(line)
            if isinstance(event, dict):
                self.events.append(event)
            else:
                self.plain.append(line)

    @property
    def text(self) -> str:
        """Everything it wrote so far."""
        return "".join(self.lines)

    def find(self, event: str, **fields: object) -> list[Event]:
        """Return the events of this name with these fields."""
        return [
            found
            for found in list(self.events)
            if found["event"] == event and fields.items() <= found.items()
        ]

    def wait_for(self, event: str, seconds: float = 30, **fields: object) -> Event:
        """Return the first event of this name with these fields."""

        def look() -> list[Event] | None:
            found = self.find(event, **fields)
            assert found or self.process.poll() is None or self._is_read_on(), self.text
            return found

        try:
            return (until(look, f"no {event} {fields}", seconds) or [])[0]
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.text}") from None

    def _is_read_on(self) -> bool:
        return any(reader.is_alive() for reader in self._readers)

    def wait_until_it_serves(self) -> Self:
        """Wait for the first answer."""
        self.wait_for("ready")
        until(lambda: self.get("/live").status_code == 200, "no answer")
        return self

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Ask on a connection of its own."""
        with new_client(self.url) as client:
            return client.get(path, **more)

    def signal(self, which: signal.Signals) -> None:
        """Signal the entrypoint alone."""
        self.process.send_signal(which)

    def wait(self, seconds: float = 60) -> int:
        """Wait for the end of the entrypoint and of all it wrote; return its exit code."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end\n{self.text}") from None
        for reader in self._readers:
            reader.join(10)
            assert not reader.is_alive(), f"a process was left: {self.pids()}"
        return self.process.returncode

    def stop(self) -> int:
        """Tell it to stop and return its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def pids(self) -> list[int]:
        """Return every process that has its environment from this one, whoever its parent is."""
        mark = self._mark.encode()
        return processes(lambda process: mark in (process / "environ").read_bytes())

    def workers(self) -> list[int]:
        """Return the processes that answer requests."""
        return [found["pid"] for found in self.find("worker_started")]

    def assert_is_structured(self) -> None:
        """Fail unless every line is a JSON object with what every line must have."""
        assert not self.plain, "".join(self.plain)
        lacking = {key for event in self.events for key in KEYS - event.keys()}
        assert not lacking, [event for event in self.events if KEYS - event.keys()]


def new_client(url: str, **more: Any) -> httpx.Client:
    """Return a client of a service; the tester's proxies and certificates are not its concern."""
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if url.startswith("http:") else True
    return httpx.Client(base_url=url, trust_env=False, verify=plain, **{"timeout": 30, **more})


def free_port() -> str:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
