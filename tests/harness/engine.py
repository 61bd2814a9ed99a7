"""Containers: Docker where its engine answers, or else Podman; a test without either is skipped."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Self

import pytest

from tests.harness.waiting import until

# As a platform runs it that trusts nobody.
HARDENED = (
    *("--read-only", "--tmpfs", "/tmp"),  # noqa: S108 - the container's
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--memory", "512m", "--pids-limit", "256"),
)
# The image's health check, but tried often, and one failure is enough: a test waits for the change.
# Podman takes these only together with the command.
SOON = (
    *("--health-cmd", "python src/healthcheck.py", "--health-interval", "1s"),
    *("--health-retries", "1", "--health-start-period", "1s"),
)

Done = subprocess.CompletedProcess[str]


def _answers(*command: str) -> bool:
    found = shutil.which(command[0])
    return bool(found) and not subprocess.run(command, check=False, capture_output=True).returncode


@cache
def engine() -> str:
    """Return the program that runs containers, as the service's Makefile chooses it."""
    for program in ("docker", "podman"):
        if _answers(program, "version"):
            return program
    pytest.skip("no Docker that runs and no Podman is here")


@cache
def compose() -> Sequence[str]:
    """Return the command of Docker Compose, as the service's Makefile chooses it."""
    engine()
    for command in (["docker", "compose"], ["docker-compose"], ["podman", "compose"]):
        if _answers(*command, "version"):
            return command
    pytest.skip("Docker Compose is not here")


def execute(*command: str, cwd: Path | None = None, **environ: str) -> Done:
    """Run a command to its end; what it wrote to both streams is its `stdout`."""
    return subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | environ,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def make(folder: Path, target: str, **variables: str) -> Done:
    """Run a target of a service's Makefile."""
    return execute("make", target, cwd=folder, **variables)


def inspect(kind: str, name: str) -> dict[str, Any]:
    """Return what the engine knows about an `image` or a `container`."""
    done = execute(engine(), kind, "inspect", name)
    assert done.returncode == 0, done.stdout
    loaded: dict[str, Any] = json.loads(done.stdout)[0]
    return loaded


def shell(image: str, script: str, user: str = "1000") -> str:
    """Return what a script prints in a container of its own."""
    options = ("--rm", "--user", user, "--entrypoint", "sh")
    done = execute(engine(), "run", *options, image, "-c", script)
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


class Container:
    """A container on the network of this machine; leaving the context removes it."""

    def __init__(self, image: str, *arguments: str, options: Sequence[str], **environ: str) -> None:
        """Start it."""
        given = [f"--env={name}={value}" for name, value in environ.items()]
        done = execute(
            *[engine(), "run", "--detach", "--network", "host", *options, *given],
            *[image, *arguments],
        )
        assert done.returncode == 0, done.stdout
        self.name = done.stdout.strip().splitlines()[-1]

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        """End and remove it."""
        execute(engine(), "rm", "--force", "--volumes", self.name)

    @property
    def text(self) -> str:
        """Everything it wrote so far."""
        return execute(engine(), "logs", self.name).stdout

    def execute(self, *command: str) -> Done:
        """Run a command in it."""
        return execute(engine(), "exec", self.name, *command)

    def wait_until_it_is(self, health: str) -> None:
        """Wait for the result of the health check."""
        until(lambda: self._health() == health, f"it does not become {health}: {self.text}", 60)

    def _health(self) -> str:
        state = inspect("container", self.name)["State"]
        assert state["Running"], self.text
        return str((state.get("Health") or state.get("Healthcheck"))["Status"])

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        execute(engine(), "stop", "-t", "40", self.name)
        return self.exit_code()

    def exit_code(self) -> int:
        """Wait for its end and return the exit code."""
        until(lambda: not inspect("container", self.name)["State"]["Running"], "it runs on", 60)
        return int(inspect("container", self.name)["State"]["ExitCode"])
