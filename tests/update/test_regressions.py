"""The gate notices what it is there for: each fault is planted, and its case alone turns red."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import ROOT, commit, git
from tests.update.gate import NEWEST, RELEASES, SCENARIOS, Case, Gate, questions
from tests.update.test_answers import faults, of_files

BEFORE = list(RELEASES)[-1]
CASES = ("untouched", "met")


def hidden(repository: Path) -> list[str]:
    """Return the files of the template that git ignores, so that nobody renders them."""
    others = ("ls-files", "--others", "--ignored", "--exclude-standard", "--", "template")
    caches = ("__pycache__/", "_cache/")
    return [
        name
        for name in git(repository, *others).splitlines()
        if not any(part in name for part in caches)
    ]


def reds(gate: Gate, folder: Path) -> dict[str, str]:
    """Return what each case that fails says of a template."""
    old, new = questions(gate.history, BEFORE), questions(gate.history, gate.newest)
    steps = of_files(gate.history / "extensions" / "migrations")
    told = {"answers": "\n".join(faults(old, new, steps)), "hidden": str(hidden(gate.history))}
    for name in CASES:
        (folder / name).mkdir()
        given = (("project_name", "Demo"), ("framework", "fastapi"))
        try:
            SCENARIOS[name](gate, Case(BEFORE, given, name), folder / name)
        except (AssertionError, ValueError) as error:
            told[name] = str(error) or repr(error)
    return {name: text for name, text in told.items() if text not in ("", "[]")}


def renamed_file(template: Path) -> None:
    git(template, "mv", "template/docs/errors.md", "template/docs/failures.md")


def dropped_choice(template: Path) -> None:
    edit(template / "copier.yml", "    BSD, three clauses: BSD-3-Clause\n", "")


def question_without_default(template: Path) -> None:
    edit(template / "copier.yml", "# COMPUTED", "colour:\n  type: str\n\n# COMPUTED")


def random_value(template: Path) -> None:
    security = template / "template" / "SECURITY.md.jinja"
    security.write_text(security.read_text() + "\n{{ range(99999) | random }}\n")


def hidden_file(template: Path) -> None:
    (template / "template" / "dev" / ".gitignore").write_text("*.env\n")
    (template / "template" / "dev" / "load.env").write_text("USERS=3\n")


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


@pytest.mark.full
@pytest.mark.parametrize(
    ("plant", "sentences"),
    [
        (renamed_file, {"met": "docs/errors.md was renamed or dropped with the edits in it"}),
        (dropped_choice, {"answers": "licence: BSD-3-Clause is gone"}),
        # Without a default no update gets beyond the question.
        (
            question_without_default,
            {"answers": "colour has no default", **dict.fromkeys(CASES, '"colour" is required')},
        ),
        (random_value, {"untouched": "--- SECURITY.md"}),
        (hidden_file, {"hidden": "template/dev/load.env"}),
    ],
)
def test_a_planted_fault_turns_its_case_red(
    gate: Gate, tmp_path: Path, plant: Callable[[Path], None], sentences: dict[str, str]
) -> None:
    """And no other, so that a maintainer reads at once what is wrong."""
    template = shutil.copytree(gate.history, tmp_path / "template")
    plant(template)
    commit(template, "feat: a fault")
    git(template, "tag", "--force", NEWEST)
    told = reds(Gate(template, tmp_path / "renders"), tmp_path)
    assert told.keys() == sentences.keys()
    for name, sentence in sentences.items():
        assert sentence in told[name]


def test_git_hides_no_file_of_the_template() -> None:
    """A file that only the author's disk has is never rendered, and no test would miss it."""
    assert hidden(ROOT) == []
