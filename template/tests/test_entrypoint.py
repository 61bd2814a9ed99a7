"""The entrypoint as a process: what it refuses, how long it waits, how it stops."""

import http.client
import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import structlog

import entrypoint
from config import migrations
from config.environment import load
from tests.support import ENTRYPOINT, PRODUCTION, SECRET, bare_environment, events, run, wait_until

ROLES = ["web", "migrate", "manage"]
NOWHERE = {
    "ENVIRONMENT": "test",
    "DATABASE_URL": f"postgresql://app:{SECRET[:20]}@127.0.0.1:1/test",
    "REDIS_URL": f"redis://:{SECRET[20:40]}@127.0.0.1:1/0",
    "BOOT_ATTEMPTS": "2",
}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service:
    """A running web role and what it has said so far."""

    def __init__(self, output: Path, variables: dict[str, str]) -> None:
        self.port = free_port()
        self._output = output
        defaults = {
            "ENVIRONMENT": "test",
            "DATABASE_URL": load().database,
            "REDIS_URL": load().redis,
            "BIND_HOST": "127.0.0.1",
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "1",
            "DRAIN_SECONDS": "0",
        }
        with output.open("w") as file:
            self.process = subprocess.Popen(
                [*ENTRYPOINT, "web"],
                env=bare_environment(defaults | variables),
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def get(self, path: str) -> int:
        """Return the status of an answer; 0 where nobody listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except ConnectionError:
            return 0
        finally:
            connection.close()

    def said(self) -> list[dict[str, Any]]:
        """Return every line so far."""
        return events(self._output.read_text())

    def event(self, name: str) -> dict[str, Any]:
        """Return the first event of this name; wait for it."""
        wait_until(lambda: any(line["event"] == name for line in self.said()))
        return next(line for line in self.said() if line["event"] == name)

    def stop(self, seconds: float = 20) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)


Start = Callable[..., Service]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return what starts a web role and waits until it serves; none outlives the test."""
    started: list[Service] = []

    def start(**variables: str) -> Service:
        service = Service(tmp_path / f"output-{len(started)}", variables)
        started.append(service)
        wait_until(lambda: service.get("/live") == 200 or service.process.poll() is not None, 30)
        assert service.process.poll() is None, service.said()
        return service

    yield start
    for service in started:
        service.process.kill()
        service.process.wait()
        wait_until(lambda service=service: service.get("/live") == 0)  # type: ignore[misc]


@pytest.mark.parametrize("arguments", [[], ["WEB"]])
def test_an_unknown_role_is_a_usage_error(arguments: list[str]) -> None:
    """Exit code 64, and the message lists the roles."""
    done = run(*ENTRYPOINT, *arguments)
    assert done.returncode == 64
    assert [line["problems"] for line in events(done.stderr)] == [
        ["usage: entrypoint.py web | migrate | manage"]
    ]


@pytest.mark.security
@pytest.mark.parametrize("role", ROLES)
def test_no_role_starts_unconfigured(role: str, tmp_path: Path) -> None:
    """Exit code 78 names all that is missing; a `.env` that lies about does not help."""
    (tmp_path / ".env").write_text("".join(f"{name}={PRODUCTION[name]}\n" for name in PRODUCTION))
    done = run(*ENTRYPOINT, role, cwd=tmp_path, environ={"ENVIRONMENT": "production"})
    assert done.returncode == 78
    named = {problem.partition(":")[0] for problem in json.loads(done.stderr)["problems"]}
    assert named >= PRODUCTION.keys() - {"ENVIRONMENT"}
    assert done.stdout == ""


def test_the_build_profile_serves_nothing() -> None:
    """It has no secrets, so it must not be reachable."""
    done = run(*ENTRYPOINT, "web", environ={"ENVIRONMENT": "build"})
    assert done.returncode == 78
    assert "serves nothing" in done.stderr


def test_a_lost_database_is_waited_for_and_given_up() -> None:
    """Each try is a line, exit code 69 is the end, and no line holds a credential."""
    done = run(*ENTRYPOINT, "web", environ=NOWHERE)
    assert done.returncode == 69
    said = events(done.stdout)
    assert [line["event"] for line in said] == ["waiting", "server did not answer"]
    assert said[1]["server"] == "database"
    assert not any(part in done.stdout + done.stderr for part in (SECRET[:20], SECRET[20:40]))


@pytest.mark.integration
def test_a_lost_redis_is_waited_for_and_given_up(database: None) -> None:
    """The message names the server that is missing."""
    done = run(*ENTRYPOINT, "web", environ=NOWHERE | {"DATABASE_URL": load().database})
    assert done.returncode == 69
    assert events(done.stdout)[-1]["server"] == "redis"


@pytest.mark.integration
def test_more_connections_than_there_are_is_a_configuration_error(database: None) -> None:
    """Exit code 78 before anything serves, instead of errors under load."""
    servers = {"DATABASE_URL": load().database, "REDIS_URL": load().redis}
    done = run(*ENTRYPOINT, "web", environ=NOWHERE | servers | {"REPLICAS": "1000"})
    assert done.returncode == 78
    assert "REPLICAS" in done.stderr


def test_a_signal_ends_the_wait() -> None:
    """A service that is stopped before it began stops at once and cleanly."""
    with subprocess.Popen(
        [*ENTRYPOINT, "web"],
        env=bare_environment(NOWHERE | {"BOOT_ATTEMPTS": "10"}),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert "waiting" in process.stdout.readline()
        process.terminate()
        assert process.wait(5) == 0


def test_a_late_server_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses grow, with some chance in them, up to the longest."""
    pauses: list[float] = []
    monkeypatch.setattr("entrypoint.time.sleep", pauses.append)
    failures = iter(range(9))

    def attempt() -> str:
        if next(failures, None) is not None:
            raise psycopg.OperationalError("nobody listens\n\thint: start it")
        return "here"

    with structlog.testing.capture_logs() as said:
        assert entrypoint.wait_for("database", attempt, attempts=10) == "here"
    assert len(pauses) == len(said) == 9
    assert {row["error"] for row in said} == {"OperationalError: nobody listens"}
    longest = [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert all(0.8 * most <= pause <= most for pause, most in zip(pauses, longest, strict=True))


def test_an_unexpected_fault_is_not_waited_for() -> None:
    """Only a server that is away is worth another try."""

    def attempt() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        entrypoint.wait_for("database", attempt, attempts=10)


@pytest.mark.integration
def test_the_life_of_a_web_role(start: Start, scratch_database: str) -> None:
    """It migrates where it is told to, serves, drains, and ends with 0."""
    service = start(DATABASE_URL=scratch_database, IS_PRIMARY="true", DRAIN_SECONDS="1.5")
    with psycopg.connect(scratch_database) as connection:
        assert migrations.pending(connection) == []
    assert service.get("/ready") == 200
    assert service.get("/") == 200
    service.process.terminate()
    service.event("drain_begin")
    wait_until(lambda: service.get("/ready") == 503)
    assert service.get("/") == 200
    assert service.get("/live") == 200
    assert service.process.wait(20) == 0
    names = [line["event"] for line in service.said()]
    assert "request_finished" in names
    order = ["starting", "migrated", "ready", "drain_begin", "drain_end", "stopped"]
    assert [name for name in dict.fromkeys(names) if name in order] == order
    keys = {"timestamp", "level", "logger", "service", "version", "environment", "role", "pid"}
    assert all(line.keys() >= keys for line in service.said())
    password = urlsplit(scratch_database).password or "no password"
    assert password not in str(service.said())


@pytest.mark.integration
def test_a_second_signal_ends_the_drain(start: Start, database: None) -> None:
    """Whoever asks twice does not want to wait; one Ctrl-C that arrives twice is one."""
    service = start(DRAIN_SECONDS="60")
    service.process.terminate()
    service.event("drain_begin")
    service.process.send_signal(signal.SIGINT)
    time.sleep(1.1)
    assert service.process.poll() is None
    assert service.stop() == 0
    assert service.event("drain_end")["hurried"]


@pytest.mark.integration
def test_a_stuck_server_is_ended(start: Start, database: None) -> None:
    """After SHUTDOWN_TIMEOUT the stop is forced, which the exit code tells."""
    service = start(SHUTDOWN_TIMEOUT="1")
    subprocess.run(["kill", "-STOP", str(service.event("ready")["pid"])], check=True)
    assert service.stop() == 1
    assert service.event("stop_forced")["reason"] == "SHUTDOWN_TIMEOUT is over"


@pytest.mark.integration
def test_a_server_that_dies_ends_the_role(start: Start, database: None) -> None:
    """The platform restarts us; no worker is left behind on the port."""
    service = start()
    subprocess.run(["kill", "-KILL", str(service.event("ready")["pid"])], check=True)
    assert service.process.wait(10) == 1
    assert service.event("server ended by itself")["code"] == -9
    wait_until(lambda: service.get("/live") == 0)


@pytest.mark.integration
def test_a_server_does_not_outlive_its_supervisor(start: Start, database: None) -> None:
    """However the supervisor ends, the port is free for the next one."""
    service = start()
    service.process.kill()
    service.process.wait()
    wait_until(lambda: service.get("/live") == 0)
    assert service.event("supervisor_gone")


@pytest.mark.integration
def test_a_failed_migration_fails_the_role(scratch_database: str) -> None:
    """A rollout stops there."""
    with psycopg.connect(scratch_database) as connection:
        connection.execute("CREATE TABLE accounts_user (id int)")
    done = run(*ENTRYPOINT, "migrate", environ=NOWHERE | {"DATABASE_URL": scratch_database})
    assert done.returncode == 1
    assert events(done.stdout)[-1]["event"] == "migration_failed"


def test_manage_runs_a_command() -> None:
    """`manage check` is `manage.py check`, with its exit code."""
    done = run(*ENTRYPOINT, "manage", "no_such_command", environ=NOWHERE)
    assert done.returncode not in {0, 64, 78}
    assert "no_such_command" in done.stderr
