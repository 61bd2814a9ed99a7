"""The documents of a service agree with its answers and with what it holds."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.support import files
from tests.variants import VARIANTS

# The digest of each text without year and holder: nobody rewords a licence by accident.
LICENCES = {
    "MIT": "e4cbb274970b9a78",
    "Apache-2.0": "80f2d8937fd27df5",
    "BSD-3-Clause": "a927cf6360215e3d",
    "Proprietary": "7caa5d67fcedd900",
}
SPDX = {"Proprietary": "LicenseRef-Proprietary"}
LINK = re.compile(r"\]\(([^)\s]+)\)|<((?:https?|mailto):[^>]+)>")


@pytest.fixture
def answers(service: Path) -> dict[str, str]:
    """Return the recorded answers of a service."""
    loaded: dict[str, str] = yaml.safe_load((service / ".copier-answers.yml").read_text())
    return loaded


def test_the_licence_is_the_chosen_one(service: Path, answers: dict[str, str]) -> None:
    """Its text is whole, year and holder are filled in, the metadata name it."""
    text = (service / "LICENSE").read_text()
    holder = re.compile(rf"Copyright (\(c\) )?{answers['copyright_year']},? {answers['owner']}\b")
    assert holder.search(text)
    body = re.sub(rf"\b{answers['owner']}\b", "", holder.sub("", text))
    assert hashlib.sha256(body.encode()).hexdigest()[:16] == LICENCES[answers["licence"]]
    project = tomllib.loads((service / "pyproject.toml").read_text())["project"]
    assert project["license"] == SPDX.get(answers["licence"], answers["licence"])


def test_each_link_leads_somewhere(service: Path, answers: dict[str, str]) -> None:
    """A relative link names a file of the service, one to its repository the right repository."""
    for path in files(service):
        if path.suffix == ".md":
            for link in LINK.findall((service / path).read_text()):
                target = "".join(link)
                if not re.match(r"\w+:", target):
                    assert (service / path.parent / target.partition("#")[0]).exists(), target
                elif re.match(rf"https://github\.com/{answers['owner']}\b", target):
                    assert target.startswith(
                        f"https://github.com/{answers['owner']}/{answers['project_slug']}"
                    )


def test_the_documents_name_commands_that_exist(service: Path) -> None:
    """Each `make` command of a document is a target, and the README lists every target."""
    targets = set(re.findall(r"^([a-z-]+):.*##", (service / "Makefile").read_text(), re.MULTILINE))
    named = {}
    for path in files(service):
        if path.suffix == ".md" or path.parts[:2] == (".github", "workflows"):
            text = (service / path).read_text()
            commands = re.findall(r"(?:`|^|run: )make ([a-z][a-z -]*)", text, re.MULTILINE)
            named[str(path)] = {target for command in commands for target in command.split()}
    assert {path: names - targets for path, names in named.items() if names - targets} == {}
    assert targets - named["README.md"] == {"help"}


def test_the_ci_runs_targets_that_exist(service: Path) -> None:
    """The matrix of the CI names targets of the Makefile."""
    jobs = yaml.safe_load((service / ".github/workflows/ci.yml").read_text())["jobs"]
    makefile = (service / "Makefile").read_text()
    for target in jobs["checks"]["strategy"]["matrix"]["target"]:
        assert re.search(rf"^{target}:.*##", makefile, re.MULTILINE)


def test_the_quick_start_is_short(service: Path) -> None:
    """A newcomer types at most five commands, the last of which serves."""
    readme = (service / "README.md").read_text()
    start = readme.partition("## Quick start")[2].partition("```sh\n")[2].partition("```")[0]
    assert len(start.splitlines()) <= 5
    assert start.splitlines()[-1] == "make run"


def test_the_security_contact_is_the_chosen_one(service: Path, answers: dict[str, str]) -> None:
    """Whoever finds a hole reaches the people who were named for it."""
    assert f"<{answers['security_contact']}>" in (service / "SECURITY.md").read_text()


def test_the_floors_are_the_chosen_ones(service: Path, answers: dict[str, str]) -> None:
    """The badge promises what the configuration enforces."""
    configured = tomllib.loads((service / "pyproject.toml").read_text())
    assert configured["tool"]["coverage"]["report"]["fail_under"] == answers["coverage_min"]
    assert f"Coverage at least {answers['coverage_min']} %" in (service / "README.md").read_text()


def test_each_licence_is_rendered() -> None:
    """A text that no variant takes would never be compared."""
    assert {str(given.get("licence", "MIT")) for given in VARIANTS.values()} == set(LICENCES)
