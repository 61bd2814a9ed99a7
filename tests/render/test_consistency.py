"""What is written in several places says the same in each."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from tests.support import ROOT, configuration, questions, readme_commands

FLOOR = "3.11"


def project(folder: Path) -> dict[str, Any]:
    """Return a folder's pyproject.toml."""
    return tomllib.loads((folder / "pyproject.toml").read_text())


def pythons(folder: Path) -> set[str]:
    """Return the Pythons that the matrix of a folder's CI workflow runs on."""
    workflow = yaml.safe_load((folder / ".github" / "workflows" / "ci.yml").read_text())
    rows = [job.get("strategy", {}).get("matrix", {}) for job in workflow["jobs"].values()]
    return {python for row in rows for python in row.get("python", [])}


def agrees(folder: Path) -> None:
    """Fail unless every tool and the CI of a folder stand on the same Python floor."""
    settings = project(folder)
    assert settings["project"]["requires-python"] == f">={FLOOR}"
    assert settings["tool"]["ruff"]["target-version"] == "py" + FLOOR.replace(".", "")
    assert settings["tool"]["mypy"]["python_version"] == FLOOR
    assert min(pythons(folder), key=lambda python: int(python.split(".")[1])) == FLOOR
    assert "3.13" in pythons(folder)


def test_a_service_has_one_python_floor(service: Path) -> None:
    """The oldest Python that is promised is the one that is linted, typed and tested for."""
    agrees(service)


def test_this_repository_has_one_python_floor() -> None:
    """The same holds for the template, whose README names the floor too."""
    agrees(ROOT)
    assert f"Python {FLOOR} or newer" in (ROOT / "README.md").read_text()


def test_the_image_has_the_chosen_python(service: Path) -> None:
    """It is one that the service is promised for and that its CI tests."""
    answers = yaml.safe_load((service / ".copier-answers.yml").read_text())
    [chosen] = re.findall(r"^ARG PYTHON_VERSION=(.+)$", (service / "Dockerfile").read_text(), re.M)
    assert chosen == answers["python_version"]
    assert chosen in pythons(service)
    assert SpecifierSet(project(service)["project"]["requires-python"]).contains(chosen)


def test_each_postgresql_that_can_be_chosen_is_one_that_is_taken(service: Path) -> None:
    """A service refuses servers that are older than it was tested with."""
    source = (service / "src" / "config" / "postgres.py").read_text()
    [oldest] = re.findall(r"^OLDEST_VERSION = (\d+)$", source, re.M)
    assert min(questions()["postgres_version"]["choices"].values()) == int(oldest)


def test_servers_have_the_same_versions_here_and_in_a_service(service: Path) -> None:
    """What the template's tests start is what a service's developers start."""
    ours = project(ROOT)["dependency-groups"]["dev"]
    assert set(project(service)["dependency-groups"]["servers"]) <= set(ours)


def test_no_dependency_bears_the_name_of_the_service(service: Path) -> None:
    """A service named "Redis" or "Django" must not depend on itself: uv finds no solution then."""
    assert project(service)["project"]["name"].endswith("-service")


def test_each_dependency_has_a_floor_and_a_bound(service: Path) -> None:
    """A plug-in without a floor resolves to one of years ago, one without a bound to anything."""
    settings = project(service)
    groups = [settings["project"]["dependencies"], *settings["dependency-groups"].values()]
    rows = [row for group in groups for row in group]
    rows += project(ROOT)["dependency-groups"]["dev"]
    for row in rows:
        assert re.fullmatch(r"[a-z0-9-]+(\[[a-z,]+\])?(>=[\d.]+,<[\d.]+|==[\w.]+)( ;.*)?", row), row


def test_the_extensions_stand_wherever_copier_is_called(service: Path) -> None:
    """Without its two packages Copier stops before any message of ours."""
    texts = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *service.glob("*.md")]
    calls = [
        line
        for text in texts
        for line in text.read_text().splitlines()
        if re.search(r"\bcopier (copy|update)\b", line) and "uvx" in line
    ]
    assert calls
    for line in calls:
        assert "uvx --with jinja2-time --with copier-template-extensions copier " in line
        assert "--trust" in line


def test_the_messages_name_at_most_five_commands() -> None:
    """Who has just made or updated a service needs the next steps, not a manual."""
    for name in ("_message_after_copy", "_message_after_update"):
        commands = [row for row in configuration()[name].splitlines() if row.startswith("  ")]
        assert 1 <= len(commands) <= 5, name


def test_the_lock_file_names_public_hosts_only() -> None:
    """A mirror's address would be of no use to anybody else."""
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts <= {"pypi.org", "files.pythonhosted.org"}


@pytest.mark.parametrize("command", readme_commands((ROOT / "README.md").read_text()))
def test_a_command_of_the_readme_brings_its_own_uv(command: str) -> None:
    """Each of the two works without the other."""
    assert command.startswith("python3 -m venv ~/.uv && ~/.uv/bin/pip install --quiet uv && ")
