"""The steps of which migrations are made, in a service of a small template with two releases."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import copier
import pytest

from tests.support import ROOT, commit, git
from tests.update.gate import MARKERS, answers, tree, unmerged

LINES = "".join(f"line {number}\n" for number in range(1, 21))
COPIER_YML = """
_subdirectory: template
_migrations:
  - version: v2.0.0
    when: true
    command: &command
      - "{{ _copier_python }}"
      - "{{ _copier_conf.src_path }}/extensions/migrations/v2_0_0.py"
      - "{{ _stage }}"
      - "{{ _copier_conf.answers_file }}"
colour: {type: str, default: red, choices: [red, blue]}
customise: {type: bool, default: false}
"""
NEWER = COPIER_YML.replace("[red, blue]", "[red, azure]")
MIGRATION = '''"""A migration of one step."""
import steps

steps.run(lambda update: {step})
'''
Texts = Mapping[str, str]


class Template:
    """A template of which each release is a mapping from paths to texts."""

    def __init__(self, folder: Path) -> None:
        """Keep it in `folder`."""
        self.folder = folder

    def release(self, tag: str, files: Texts, *, step: str = "None", yml: str = COPIER_YML) -> None:
        """Release these files, and the step as the migration of version 2."""
        for old in [path for path in self.folder.glob("*") if path.name != ".git"]:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        migrations = self.folder / "extensions" / "migrations"
        migrations.mkdir(parents=True)
        shutil.copy2(ROOT / "extensions" / "migrations" / "steps.py", migrations)
        (migrations / "v2_0_0.py").write_text(MIGRATION.format(step=step))
        answers_file = "{{ _copier_answers|to_nice_yaml }}"
        texts = {"{{_copier_conf.answers_file}}.jinja": answers_file, "kept.txt": "kept\n", **files}
        for name, text in texts.items():
            path = self.folder / "template" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (self.folder / "copier.yml").write_text(yml)
        commit(self.folder, tag=tag)


@pytest.fixture
def template(tmp_path: Path) -> Template:
    """Return an empty template."""
    (tmp_path / "template").mkdir()
    return Template(tmp_path / "template")


def born(template: Template, edits: Texts | None = None, **data: object) -> Path:
    """Return a committed service of the first release, edited by its team; "" deletes a file."""
    service = template.folder.parent / "service"
    copier.run_copy(
        str(template.folder), service, data=data, vcs_ref="v1.0.0",
        defaults=True, unsafe=True, quiet=True,
    )  # fmt: skip
    for name, text in (edits or {}).items():
        (service / name).parent.mkdir(parents=True, exist_ok=True)
        (service / name).write_text(text)
        if not text:
            (service / name).unlink()
    commit(service, "feat: the team's work")
    return service


def update(service: Path, **options: Any) -> None:
    """Update to the newest release."""
    copier.run_update(service, defaults=True, unsafe=True, overwrite=True, quiet=True, **options)


MOVE = 'update.move("docs/old.txt", "docs/new.txt")'


def test_edits_of_a_renamed_file_are_merged_into_it(
    template: Template, capfd: pytest.CaptureFixture[str]
) -> None:
    """Both sides' changes of other lines are in the file of the new name; the old one is gone."""
    template.release("v1.0.0", {"docs/old.txt": LINES})
    template.release("v2.0.0", {"docs/new.txt": LINES.replace("line 2\n", "theirs\n")}, step=MOVE)
    service = born(template, {"docs/old.txt": LINES.replace("line 15\n", "ours\n")})
    update(service)
    expected = LINES.replace("line 2\n", "theirs\n").replace("line 15\n", "ours\n")
    assert (service / "docs" / "new.txt").read_text() == expected
    assert not (service / "docs" / "old.txt").exists()
    assert unmerged(service) == []
    assert "Your edits of docs/old.txt are in docs/new.txt" in capfd.readouterr().out


def test_a_conflict_in_a_renamed_file_is_one_of_git(template: Template) -> None:
    """Both sides stand between the markers, git names the file, and it can be settled or undone."""
    template.release("v1.0.0", {"docs/old.txt": LINES})
    template.release("v2.0.0", {"docs/new.txt": LINES.replace("line 2\n", "theirs\n")}, step=MOVE)
    service = born(template, {"docs/old.txt": LINES.replace("line 2\n", "ours\n")})
    before = tree(service)
    update(service)
    text = (service / "docs" / "new.txt").read_text()
    assert f"{MARKERS[0]}\nours\n=======\ntheirs\n{MARKERS[1]}\n" in text
    assert unmerged(service) == ["docs/new.txt"]
    assert git(service, "show", ":1:docs/new.txt") == LINES.strip()
    git(service, "reset", "--quiet", "--hard")
    git(service, "clean", "--quiet", "-d", "--force")
    assert tree(service) == before


@pytest.mark.parametrize("edited", [True, False])
def test_a_file_that_a_team_moved_itself_is_left_alone(template: Template, edited: bool) -> None:
    """A team's own file at the new place is not overwritten, and its edits of the old one stay."""
    template.release("v1.0.0", {"docs/old.txt": LINES})
    template.release("v2.0.0", {"docs/new.txt": "theirs\n"}, step=MOVE)
    old = LINES.replace("line 9\n", "ours\n")
    service = born(template, {"docs/new.txt": "mine\n"} | ({"docs/old.txt": old} if edited else {}))
    update(service)
    assert "mine\n" in (service / "docs" / "new.txt").read_text()
    assert unmerged(service) == ["docs/new.txt"]
    if edited:
        assert (service / "docs" / "old.txt").read_text() == old


def test_a_renamed_file_that_was_deleted_stays_deleted(template: Template) -> None:
    """It does not come back under its new name."""
    template.release("v1.0.0", {"docs/old.txt": LINES})
    template.release("v2.0.0", {"docs/new.txt": LINES}, step=MOVE)
    service = born(template, {"docs/old.txt": ""})
    update(service)
    assert not (service / "docs" / "new.txt").exists()


def test_a_file_that_was_never_edited_moves_without_a_word(
    template: Template, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is said of what is as it was; a binary file that both sides changed stays, too."""
    template.release("v1.0.0", {"docs/old.txt": LINES})
    template.release("v2.0.0", {"docs/new.txt": LINES}, step=MOVE)
    service = born(template)
    update(service)
    assert (service / "docs" / "new.txt").read_text() == LINES
    assert capfd.readouterr().out == ""


def test_edits_of_a_file_that_cannot_be_merged_stay_where_they_were(template: Template) -> None:
    """What is no text has no lines to merge."""
    template.release("v1.0.0", {"docs/old.txt": "a\0b\n"})
    template.release("v2.0.0", {"docs/new.txt": "a\0c\n"}, step=MOVE)
    service = born(template, {"docs/old.txt": "a\0ours\n"})
    update(service)
    assert (service / "docs" / "old.txt").read_text() == "a\0ours\n"
    assert (service / "docs" / "new.txt").read_text() == "a\0c\n"


def test_a_file_that_moved_twice_arrives(template: Template) -> None:
    """An update that skips a release takes edits from the first name to the last."""
    steps = f'({MOVE}, update.move("docs/new.txt", "docs/newest.txt"))'
    template.release("v1.0.0", {"docs/old.txt": LINES})
    template.release("v2.0.0", {"docs/newest.txt": LINES + "theirs\n"}, step=steps)
    service = born(template, {"docs/old.txt": LINES.replace("line 9\n", "ours\n")})
    update(service)
    expected = LINES.replace("line 9\n", "ours\n") + "theirs\n"
    assert (service / "docs" / "newest.txt").read_text() == expected
    assert [path.name for path in (service / "docs").iterdir()] == ["newest.txt"]


DELETE = 'update.delete_if_unmodified("dropped.txt")'


@pytest.mark.parametrize("text", ["ours\n", LINES])
def test_a_dropped_file_goes_unless_it_was_edited(
    template: Template, capfd: pytest.CaptureFixture[str], text: str
) -> None:
    """An edited one becomes the team's, and that is said."""
    template.release("v1.0.0", {"dropped.txt": LINES})
    template.release("v2.0.0", {}, step=DELETE)
    service = born(template, {"dropped.txt": text})
    update(service)
    assert (service / "dropped.txt").exists() is (text != LINES)
    assert ("dropped dropped.txt, which you edited" in capfd.readouterr().out) is (text != LINES)


def test_an_answer_is_rewritten(template: Template) -> None:
    """A question may get another name and a choice another value; the service keeps its answer."""
    step = 'update.rewrite_answer("colour", name="paint", values={"blue": "azure"})'
    template.release("v1.0.0", {})
    template.release("v2.0.0", {}, step=step, yml=NEWER.replace("colour:", "paint:"))
    service = born(template, colour="blue")
    update(service)
    assert answers(service) == {"paint": "azure", "customise": False}


def test_without_the_step_an_answer_is_lost(template: Template) -> None:
    """Which is why there is one: Copier goes back to the default without a word."""
    template.release("v1.0.0", {})
    template.release("v2.0.0", {}, yml=NEWER)
    service = born(template, colour="blue")
    update(service)
    assert answers(service)["colour"] == "red"


def test_a_new_question_is_answered_as_before(template: Template) -> None:
    """Its default is for new services; what somebody says on the command line wins."""
    step = 'update.keep_as_before(size="small")'
    size = "size: {type: str, default: large, choices: [small, large]}\n"
    template.release("v1.0.0", {})
    template.release("v2.0.0", {}, step=step, yml=COPIER_YML + size)
    service = born(template)
    update(service, skip_answered=True)  # as bots do
    assert answers(service) == {"colour": "red", "customise": True, "size": "small"}
    git(service, "reset", "--quiet", "--hard")
    update(service, data={"size": "large"})
    assert answers(service)["size"] == "large"


def test_a_line_is_made_sure_of_once(template: Template) -> None:
    """A file of the team that lacks it gets it; one that has it, or is gone, is left alone."""
    step = '[update.ensure_line(f, "needed") for f in ("mine.txt", "has.txt", "none.txt")]'
    template.release("v1.0.0", {})
    template.release("v2.0.0", {}, step=step)
    service = born(template, {"mine.txt": "mine", "has.txt": "needed\nmine\n"})
    update(service)
    assert (service / "mine.txt").read_text() == "mine\nneeded\n"
    assert (service / "has.txt").read_text() == "needed\nmine\n"
    assert not (service / "none.txt").exists()


@pytest.mark.parametrize("first", [MOVE, "update.keep_as_before(b=1)"])
def test_a_failing_guard_leaves_every_byte(
    template: Template, capfd: pytest.CaptureFixture[str], first: str
) -> None:
    """It says why in one sentence, and nothing of the update has happened."""
    template.release("v1.0.0", {"docs/old.txt": LINES})
    step = f'({first}, update.guard(False, "First do this."), update.keep_as_before(a=1))'
    template.release("v2.0.0", {"docs/new.txt": LINES}, step=step)
    service = born(template, {"docs/old.txt": "ours\n"})
    before = tree(service)
    with pytest.raises(copier.errors.TaskError):
        update(service)
    assert tree(service) == before
    assert git(service, "status", "--short") == ""
    assert capfd.readouterr().err.splitlines()[-1] == "First do this."


def take(template: Template, service: Path, stage: str) -> subprocess.CompletedProcess[str]:
    """Take the step of the newest release by hand."""
    program = template.folder / "extensions" / "migrations" / "v2_0_0.py"
    command = [sys.executable, str(program), stage, ".copier-answers.yml"]
    return subprocess.run(command, cwd=service, check=False, capture_output=True, text=True)


def test_a_migration_never_begins_in_a_dirty_tree(template: Template) -> None:
    """What is not committed could not be told from what the migration does."""
    template.release("v1.0.0", {}, step='update.keep_as_before(size="small")')
    service = born(template)
    (service / "kept.txt").write_text("ours\n")
    done = take(template, service, "before")
    assert done.returncode == 1
    assert done.stderr == "Commit or stash your changes first:\n M kept.txt\n"
    assert git(service, "status", "--short") == "M kept.txt"


@pytest.mark.full
@pytest.mark.parametrize(
    "step",
    [
        MOVE,
        DELETE,
        'update.rewrite_answer("colour", values={"blue": "azure"})',
        'update.keep_as_before(size="small")',
        'update.ensure_line("kept.txt", "needed")',
    ],
)
def test_a_step_that_is_taken_twice_changes_nothing_the_second_time(
    template: Template, step: str
) -> None:
    """Whoever starts an update again that was killed gets the same result."""
    template.release("v1.0.0", {"docs/old.txt": LINES, "dropped.txt": LINES}, step=step)
    service = born(template, {"docs/old.txt": "ours\n", "dropped.txt": "ours\n"}, colour="blue")
    for stage in ("before", "after"):
        if stage == "after":  # as the merge does
            (service / "docs" / "old.txt").rename(service / "docs" / "new.txt")
            (service / "dropped.txt").unlink()
        assert take(template, service, stage).returncode == 0
        once = tree(service)
        again = take(template, service, stage)
        assert (again.returncode, again.stdout) == (0, "")
        assert tree(service) == once
