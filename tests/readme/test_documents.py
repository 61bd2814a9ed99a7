"""Each command of each document is typed by a test, or has a reason why none does."""

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.readme import test_commands, test_tutorial
from tests.readme.script import lines
from tests.support import ROOT, working_tree
from tests.update import test_upgrade_guide
from tests.variants import FRAMEWORKS

# Whose `sh` blocks are typed as they stand, and by which test.
TYPED: dict[str, Callable[..., None]] = {
    "README.md": test_commands.test_the_quick_start_ends_with_a_service_that_is_ready,
    "docs/api.md": test_tutorial.test_the_api_guide_works_as_it_stands,
    "docs/tutorial.md": test_tutorial.test_a_newcomers_hour,
    "docs/upgrade.md": test_upgrade_guide.test_the_guide_brings_in_this_release,
}
# The beginning of each command in a `console` block, and why no test types it as it stands.
NOT_TYPED = {
    "git clone --mirror": "needs the service's repository on GitHub, and rewrites it",
    "git filter-repo": "rewrites the history of a repository on GitHub",
    "git push --force": "rewrites the history of a repository on GitHub",
    "uv lock --upgrade": "takes what was released this week; the scheduled set tries that",
    "make setup check": "as the line before it; both are typed in the upgrade guide's other part",
    "docker run": "tests/artefacts/test_image.py runs the image so, with its own names",
    "docker compose": "tests/artefacts/test_compose.py does so, with a project of its own",
    "make smoke URL=https": "asks a host that does not exist; tests/service/test_smoke.py asks one",
    "make verify-deploy URL=https": "as make smoke",
    "uvx --with jinja2-time --with copier-template-extensions copier update": "typed in a service",
    "make update-finish": "typed in the upgrade guide, after the line above it",
    "git init": "typed in the tutorial, line by line",
    "git add --all && git commit": "typed in the tutorial, line by line",
    'uvx nox -s "doctor(': "tests/update/test_fleet.py does so, with folders of its own",
    "uvx nox -s fleet --": "tests/update/test_fleet.py does so, with folders of its own",
    "uv run nox -s tags": "tests/test_release.py makes the tags in repositories of its own",
    "uv run python -m tests.update.freeze": "tests/update/test_golden.py freezes a release so",
    "gh repo edit": "needs the repository on GitHub",
}


def documents(folder: Path) -> dict[str, str]:
    """Return the pages of a rendered service by their paths."""
    found = [*folder.glob("*.md"), *folder.glob("docs/**/*.md"), *folder.glob(".github/**/*.md")]
    return {str(path.relative_to(folder)): path.read_text() for path in found}


def of_the_template() -> dict[str, str]:
    """Return the pages of this repository by their paths."""
    paths = [
        path for path in working_tree() if path.suffix == ".md" and path.parts[0] != "template"
    ]
    return {str(path): (ROOT / path).read_text() for path in paths}


def test_each_command_of_a_service_is_typed(service: Path) -> None:
    """Whoever copies a line out of a `sh` block copies what a test has run."""
    pages = documents(service)
    known = {line for name in TYPED for line in lines(pages[name], "sh")}
    unknown = {name: set(lines(text, "sh")) - known for name, text in pages.items()}
    assert {name: found for name, found in unknown.items() if found} == {}


def test_each_command_of_this_repository_is_typed() -> None:
    """The README's blocks are tests of their own, and no other page has any."""
    pages = {name for name, text in of_the_template().items() if lines(text, "sh")}
    assert pages == {"README.md"}


@pytest.mark.parametrize("document", TYPED)
def test_what_is_said_to_type_a_document_does(document: str) -> None:
    """The test that is named reads the document that it is named for."""
    source = inspect.getsource(TYPED[document])
    assert f'"{Path(document).name}"' in source


def test_what_is_not_typed_has_a_reason(services: Callable[[str], Path]) -> None:
    """Each command of a `console` block begins like one of the list, and none of it is idle."""
    pages = [of_the_template(), *(documents(services(name)) for name in FRAMEWORKS)]
    found = {line for each in pages for text in each.values() for line in lines(text, "console")}
    assert [line for line in found if not line.startswith(tuple(NOT_TYPED))] == []
    assert [start for start in NOT_TYPED if not any(line.startswith(start) for line in found)] == []


def test_no_other_kind_of_block_hides_a_command(services: Callable[[str], Path]) -> None:
    """A shell block is `sh` or `console`: nothing looks at another one."""
    pages = [of_the_template(), *(documents(services(name)) for name in FRAMEWORKS)]
    for each in pages:
        for name, text in each.items():
            for other in ("bash", "shell", "zsh", "text"):
                assert not lines(text, other), name
