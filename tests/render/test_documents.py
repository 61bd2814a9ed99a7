"""The documents of a service agree with its answers and with what it holds."""

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.support import ROOT, commit, files, questions, working_tree
from tests.variants import VARIANTS

# The digest of each text without year and holder: nobody rewords a licence by accident.
LICENCES = {
    "MIT": "e4cbb274970b9a78",
    "Apache-2.0": "80f2d8937fd27df5",
    "BSD-3-Clause": "a927cf6360215e3d",
    "Proprietary": "7caa5d67fcedd900",
}
SPDX = {"Proprietary": "LicenseRef-Proprietary"}
CHECK = ROOT / "template" / "dev" / "docs_check.py"
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


def test_each_link_to_the_repository_is_to_the_right_one(
    service: Path, answers: dict[str, str]
) -> None:
    """A badge, or a link to an issue, is that of the service's own repository."""
    home = f"https://github.com/{answers['owner']}"
    for path in files(service):
        if path.suffix == ".md":
            found = ["".join(link) for link in LINK.findall((service / path).read_text())]
            ours = [link for link in found if re.match(rf"{home}\b", link)]
            assert all(link.startswith(f"{home}/{answers['project_slug']}") for link in ours), path


@pytest.fixture
def checked(service: Path, tmp_path: Path) -> Path:
    """Return a copy of each service, with what its first `make setup` writes."""
    copy = shutil.copytree(service, tmp_path / "service")
    (copy / "docs" / "openapi.json").write_text("{}\n")
    return copy


def docs_check(service: Path) -> list[str]:
    """Return what `make docs-check` says of the documents."""
    command = [sys.executable, "dev/docs_check.py"]
    done = subprocess.run(command, cwd=service, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == bool(done.stdout)
    return done.stdout.splitlines()


def test_the_documents_of_a_service_hold(checked: Path) -> None:
    """Links lead somewhere, pages are reached, names are of what is there, no target is untold."""
    assert docs_check(checked) == []


def test_the_documents_of_this_repository_hold(services: Callable[[str], Path]) -> None:
    """The same program finds nothing; commands and paths are those of a service or of ours."""
    spec = importlib.util.spec_from_file_location("docs_check", CHECK)
    assert spec
    assert spec.loader
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    found = [path for path in working_tree() if path.suffix == ".md"]
    pages = [path for path in found if path.parts[0] != "template"]
    assert len(pages) > 10
    assert program.faults(ROOT, pages, services("django")) == []


@pytest.mark.parametrize(
    ("page", "text", "fault"),
    [
        ("docs/errors.md", "See [there](nowhere.md).", "links to docs/nowhere.md"),
        ("docs/errors.md", "See [there](#no-such-heading).", "links to #no-such-heading"),
        ("docs/errors.md", "See [there](api.md#no-such-heading).", "links to #no-such-heading"),
        ("docs/errors.md", "See [there](../../other/README.md).", "links to ../other/README.md"),
        ("docs/errors.md", "See [there][1].\n\n[1]: nowhere.md", "links to docs/nowhere.md"),
        ("docs/lost.md", "# Lost", "docs/lost.md is reached from no page"),
        ("README.md", "Type `make lnit`.", "names `make lnit`"),
        ("README.md", "Type `make\nlnit`.", "names `make lnit`"),
        ("README.md", "Type `PORT=1 make -s check lnit`.", "names `make lnit`"),
        ("README.md", "```sh\ncd . && make lnit\n```", "names `make lnit`"),
        ("README.md", "Set `DATABASE_POOL_MIN=1`.", "names DATABASE_POOL_MIN"),
        ("README.md", "Mount `SECRET_KEYS_FILE`.", "names SECRET_KEYS"),
        ("README.md", "Read `config/enviroment.py`.", "names config/enviroment.py"),
        ("Makefile", "untold: ## Do what nobody reads about\n\ttrue", "has `untold`"),
    ],
)
def test_a_planted_fault_is_found(
    services: Callable[[str], Path], tmp_path: Path, page: str, text: str, fault: str
) -> None:
    """Each fails the check with a line that names the page and what is wrong."""
    service = shutil.copytree(services("django"), tmp_path / "service")
    (service / "docs" / "openapi.json").write_text("{}\n")
    with (service / page).open("a") as file:
        file.write(f"\n{text}\n")
    (found,) = docs_check(service)
    assert page in found
    assert fault in found


def test_a_service_in_another_repository_is_checked_too(
    services: Callable[[str], Path], tmp_path: Path
) -> None:
    """Its own files count, not what the repository around it ignores."""
    commit(tmp_path)
    (tmp_path / ".gitignore").write_text("service\n")
    service = shutil.copytree(
        services("django"), tmp_path / "service", ignore=shutil.ignore_patterns(".git")
    )
    (service / "docs" / "openapi.json").write_text("{}\n")
    with (service / "README.md").open("a") as file:
        file.write("\nType `make lnit`.\n")
    assert ["make lnit" in fault for fault in docs_check(service)] == [True]


def test_the_options_are_those_that_are_asked() -> None:
    """docs/options.md has a row for each question, with its choices and its default."""
    table = (ROOT / "docs" / "options.md").read_text()
    found = re.findall(r"^\| `(\w+)` \|(.*)\|(.*)\|.*\|$", table, re.MULTILINE)
    rows = {name: (answers, default) for name, answers, default in found}
    asked = {name: q for name, q in questions().items() if q.get("ask", True) is not False}
    assert len(found) == len(rows)
    assert rows.keys() == asked.keys()
    for name, question in asked.items():
        answers, default = rows[name]
        if "choices" in question:
            choices = [str(choice) for choice in question["choices"].values()]
            assert re.findall(r"`([^`]+)`", answers) == choices
        given = str(question.get("default", ""))
        if "{{" not in given:
            assert default.strip("` ") == {"True": "yes", "False": "no"}.get(given, given)


def test_the_repository_describes_itself() -> None:
    """Programs and people find the template by its metadata, and no other generator's is here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"copier", "copier-template", "django", "fastapi"} <= set(project["keywords"])
    topic = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")  # what GitHub takes as one
    assert all(topic.fullmatch(word) for word in project["keywords"])
    assert len(project["keywords"]) <= 20
    repository = project["urls"]["Repository"]
    assert repository.removeprefix("https://github.com/") in (ROOT / "README.md").read_text()
    for name in ("Documentation", "Changelog"):
        path = project["urls"][name].removeprefix(f"{repository}/blob/main/")
        assert (ROOT / path).is_file()
    others = {"cookiecutter.json", "template.json", "template.yaml", "template.yml"}
    ours = [path for path in working_tree() if path.parts[0] != "template"]
    assert others.isdisjoint(path.name for path in ours)


def test_the_upgrade_guide_has_a_row_for_each_release(service: Path) -> None:
    """Whoever skips releases finds what each of them asks before the next deploy."""
    guide = (service / "docs" / "upgrade.md").read_text()
    told = set(re.findall(r"^\| (\d+\.\d+\.\d+) \| \w", guide, re.MULTILINE))
    released = set(re.findall(r"^## (\d+\.\d+\.\d+) ", (ROOT / "CHANGELOG.md").read_text(), re.M))
    assert released - told == {"0.1.0"}  # there is nothing before it


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
