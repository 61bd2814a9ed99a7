"""Services in containers: what their files promise, and what happens when they are started."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.harness.engine import Done, compose, engine, execute, make
from tests.harness.projects import Project
from tests.harness.roles import free_port, new_client
from tests.harness.waiting import until
from tests.support import commit

PRODUCTION = ("-f", "compose.yaml", "-f", "compose.production.yaml")
REQUIRED = {
    "SECRET_KEY": secrets.token_urlsafe(48),
    "JWT_SIGNING_KEY": secrets.token_urlsafe(48),
    "ALLOWED_HOSTS": "service.test",
    "CORS_ALLOWED_ORIGINS": "",
    "POSTGRES_PASSWORD": secrets.token_urlsafe(24),
}


def loaded(path: Path) -> dict[str, Any]:
    """Return a compose file."""
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def test_each_start_waits_for_what_it_needs(service: Path) -> None:
    """Every dependency has a condition, and whatever is waited for has a health or an end."""
    services = loaded(service / "compose.yaml")["services"]
    for name, details in services.items():
        assert details["healthcheck"], name
        for needed, how in details.get("depends_on", {}).items():
            check = services[needed]["healthcheck"]
            if how["condition"] == "service_healthy":
                assert check["test"], needed
            else:
                assert how["condition"] == "service_completed_successfully"
                assert check == {"disable": True}, needed
    assert set(services["web"]["depends_on"]) == {"cache", "database", "migrate"}


def test_only_the_service_is_on_the_edge(service: Path) -> None:
    """Nobody outside reaches a server: none has a port, none is in the network of `web`'s port."""
    described = loaded(service / "compose.yaml")
    for name, details in described["services"].items():
        assert ("edge" in details["networks"]) == (name == "web"), name
        assert ("ports" in details) == (name == "web"), name
    assert described["networks"]["servers"] == {"internal": True}
    [port] = described["services"]["web"]["ports"]
    assert port.startswith("127.0.0.1:")
    for name in ("compose.override.yaml", "compose.production.yaml"):
        assert not any("ports" in each for each in loaded(service / name)["services"].values())


def test_only_development_has_the_code_of_the_folder(service: Path) -> None:
    """A bind mount stands in the one file that nobody names to have it."""
    for name in ("compose.yaml", "compose.override.yaml", "compose.production.yaml"):
        mounted = [
            mount
            for details in loaded(service / name)["services"].values()
            for mount in details.get("volumes", [])
            if mount.startswith(".")
        ]
        assert bool(mounted) == (name == "compose.override.yaml"), name


def test_production_is_fenced_in(service: Path) -> None:
    """Every container of it: read-only, without capabilities, bounded, started again."""
    base = loaded(service / "compose.yaml")["services"]
    services = loaded(service / "compose.production.yaml")["services"]
    assert services.keys() == base.keys()
    for name, details in services.items():
        assert details["read_only"] is True, name
        assert details["cap_drop"] == ["ALL"]
        assert details["security_opt"] == ["no-new-privileges:true"]
        assert details["mem_limit"]
        assert details["pids_limit"]
        assert details["restart"] in {"unless-stopped", "on-failure:3"}
        assert ("cap_add" in details) == (name in {"database", "cache"})
    assert services["web"]["environment"]["ENVIRONMENT"] == "production"
    for name in REQUIRED:
        assert services["web"]["environment"][name].startswith(f"${{{name}")


def test_the_database_is_the_chosen_one(service: Path) -> None:
    """The server and its data are of one major version."""
    version = loaded(service / ".copier-answers.yml")["postgres_version"]
    database = loaded(service / "compose.yaml")["services"]["database"]
    assert database["image"] == f"postgres:{version}"
    assert f"/{version}/" in database["environment"]["PGDATA"]


class Stack:
    """The containers of one service, under a name of their own."""

    def __init__(self, tree: Path, framework: str) -> None:
        """Keep what the commands are run with."""
        self.tree = tree
        self.port = free_port()
        self.environ = {
            "COMPOSE_PROJECT_NAME": f"tried-{framework}-{os.getpid()}",
            "IMAGE": f"demo-{framework}:composed-{os.getpid()}",
            "PORT": self.port,
        }

    def __call__(self, *arguments: str, **environ: str) -> Done:
        """Run a command of Docker Compose."""
        return execute(*compose(), *arguments, cwd=self.tree, **self.environ, **environ)

    def make(self, target: str) -> Done:
        """Run a target of the Makefile."""
        return make(self.tree, target, **self.environ)

    def get(self, path: str, **headers: str) -> httpx.Response | None:
        """Ask the service; None where it does not answer."""
        try:
            with new_client(f"http://127.0.0.1:{self.port}") as client:
                return client.get(path, headers=headers)
        except httpx.TransportError:
            return None

    def waits_for(self, path: str, status: int) -> None:
        """Wait for the status of an answer."""

        def answered() -> bool:
            answer = self.get(path)
            return answer is not None and answer.status_code == status

        until(answered, f"{path} does not become {status}", 60)


@pytest.fixture
def stack(project: Project, framework: str, tmp_path: Path) -> Iterator[Stack]:
    """Yield a service whose containers and data are removed at the end."""
    compose()
    tree = tmp_path / "service"
    shutil.copytree(project.service, tree, ignore=shutil.ignore_patterns(".venv"))
    commit(tree)
    made = Stack(tree, framework)
    yield made
    made("down", "--volumes", "--remove-orphans")
    execute(engine(), "rmi", "--force", made.environ["IMAGE"])


@pytest.mark.full
@pytest.mark.timeout(600)
def test_development_comes_up_and_comes_back(stack: Stack) -> None:
    """One command from nothing to healthy; it survives its database and reads the code anew."""
    up = stack.make("up")
    assert up.returncode == 0, up.stdout + stack("logs").stdout
    answer = stack.get("/ready")
    assert answer
    assert answer.json()["checks"].keys() >= {"database", "redis", "migrations"}
    assert answer.status_code == 200

    assert stack("kill", "database").returncode == 0
    stack.waits_for("/ready", 503)
    stack.waits_for("/live", 200)
    assert stack("start", "database").returncode == 0
    stack.waits_for("/ready", 200)

    source = stack.tree / "src" / "config" / "documents.py"
    assert source.read_text().count('"name": identity.NAME') == 2
    source.write_text(source.read_text().replace("identity.NAME", '"edited"'))

    def is_edited() -> bool:
        found = stack.get("/")
        return found is not None and found.json().get("name") == "edited"

    until(is_edited, "the code is not read anew", 30)
    assert stack.make("down").returncode == 0
    assert stack.get("/live") is None


@pytest.mark.full
@pytest.mark.timeout(600)
def test_production_comes_up_fenced_in(stack: Stack) -> None:
    """The same containers, hardened, serve in the production profile."""
    assert stack.make("image").returncode == 0
    up = stack(*PRODUCTION, "up", "--no-build", "--wait", "--wait-timeout", "120", **REQUIRED)
    assert up.returncode == 0, up.stdout + stack(*PRODUCTION, "logs", **REQUIRED).stdout
    answer = stack.get("/ready")
    assert answer
    assert answer.status_code == 200
    answer = stack.get("/", Host="service.test")
    assert answer
    assert answer.status_code in {301, 308}  # https alone
    assert stack(*PRODUCTION, "exec", "-T", "web", "touch", "/app/x", **REQUIRED).returncode != 0
    stack(*PRODUCTION, "down", "--volumes", **REQUIRED)


@pytest.mark.full
def test_compose_takes_the_files(stack: Stack) -> None:
    """Both sets are valid; production names the first variable that it lacks."""
    assert stack("config", "--quiet").stdout == ""
    assert stack(*PRODUCTION, "config", "--quiet", **REQUIRED).stdout == ""
    for name in REQUIRED:
        rest = {other: value for other, value in REQUIRED.items() if other != name}
        refused = stack(*PRODUCTION, "config", "--quiet", **rest)
        assert refused.returncode != 0
        assert name in refused.stdout
    effective = json.loads(stack(*PRODUCTION, "config", "--format", "json", **REQUIRED).stdout)
    web = effective["services"]["web"]
    assert "volumes" not in web
    assert web["environment"]["ENVIRONMENT"] == "production"
    assert web["environment"]["POSTGRES_HOST"] == "database"
