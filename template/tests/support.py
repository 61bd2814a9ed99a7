"""What tests of several folders need."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from config import identity

ENTRYPOINT = [sys.executable, str(identity.ROOT / "src" / "entrypoint.py")]
MANAGE = [sys.executable, str(identity.ROOT / "manage.py")]
# Random, and still the same in every run: `b"production".hex()` would be refused as too weak.
SECRET = "Zk3vQ8wT1yR6uN0sM5xB2cL7dF4gH9jKpAoEiIeUaYtWqXnVbS"  # pragma: allowlist secret
JWT_KEY = SECRET[::-1]
# All that production needs, and nothing it would refuse; nothing answers at these addresses.
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": SECRET,
    "JWT_SIGNING_KEY": JWT_KEY,
    "ALLOWED_HOSTS": "api.example.com,.example.org",
    "CORS_ALLOWED_ORIGINS": "https://app.example.com",
    "DATABASE_URL": f"postgresql://app:{SECRET[:20]}@127.0.0.1:1/orders",
    "REDIS_URL": f"redis://:{SECRET[20:40]}@127.0.0.1:1/0",
}


class Response(Protocol):
    """What the test clients of both frameworks answer."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def content(self) -> bytes: ...

    def json(self) -> Any: ...


class Client(Protocol):
    """What the test clients of both frameworks take."""

    def get(self, path: str, /, *, headers: dict[str, str] | None = None) -> Response: ...

    def head(self, path: str, /, *, headers: dict[str, str] | None = None) -> Response: ...

    def post(self, path: str, /, *, headers: dict[str, str] | None = None) -> Response: ...

    def options(self, path: str, /, *, headers: dict[str, str] | None = None) -> Response: ...


class Serve(Protocol):
    """Makes a client of the whole application, with routes and a limit of the test's own."""

    def __call__(
        self,
        routes: Mapping[str, Callable[..., object]] | None = None,
        *,
        limit: int = 64,
    ) -> Client: ...


def bare_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return what a program needs to start and to be measured, and `variables`."""
    kept = {"PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV"}
    return {
        name: value
        for name, value in os.environ.items()
        if name in kept or name.startswith("COVERAGE_")
    } | dict(variables)


def run(
    *command: str,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end with `environ` as its only settings."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=bare_environment(environ or {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def events(output: str) -> list[dict[str, Any]]:
    """Parse an output in which every line must be a JSON object."""
    return [json.loads(line) for line in output.splitlines()]


def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Return when `condition` holds; fail when it does not in time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "this took too long"
        time.sleep(0.02)
