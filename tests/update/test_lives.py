"""What befalls a service over the years: other answers, leftovers, hand edits, a killed update."""

import itertools
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import copier
import pytest
import yaml

from tests.harness.waiting import until
from tests.support import ROOT, commit, git
from tests.update import table
from tests.update.conftest import Born
from tests.update.gate import (
    ANSWERS,
    NEWEST,
    RELEASES,
    Gate,
    answers,
    choices,
    difference,
    marked,
    questions,
    recorded,
    tree,
    unmerged,
    update,
)  # fmt: skip
from tests.variants import VARIANTS

OLDEST, NEWEST_RELEASE = next(iter(RELEASES)), list(RELEASES)[-1]
UNDO = "git reset --hard && git clean -d --force"


@pytest.fixture
def service(gate: Gate, framework: str, tmp_path: Path) -> Path:
    """Return a committed service of the newest release."""
    return gate.born(NEWEST_RELEASE, dict(VARIANTS[framework]), tmp_path / "service")


@pytest.fixture
def oldest(gate: Gate, framework: str, tmp_path: Path) -> Path:
    """Return a committed service of the oldest release."""
    return gate.born(OLDEST, dict(VARIANTS[framework]), tmp_path / "service")


def refused(service: Path, capfd: pytest.CaptureFixture[str], **options: str) -> str:
    """Return the sentence with which an update is refused; it must leave every byte."""
    before = tree(service)
    with pytest.raises(copier.errors.TaskError):
        update(service, NEWEST, False, **options)
    assert difference(before, tree(service)) == ""
    assert git(service, "status", "--short") == ""
    return capfd.readouterr().err.strip()


def test_the_framework_cannot_be_changed(
    service: Path, framework: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """One sentence says why and what to do, and nothing has happened; the same is no change."""
    other = {"django": "fastapi", "fastapi": "django"}[framework]
    said = refused(service, capfd, framework=other)
    assert said == (
        f"This service is made with {framework} and keeps it; {other} would be another service. "
        "Make a new one and move the domains over."
    )


def test_who_is_asked_cannot_change_the_framework(service: Path, framework: str) -> None:
    """Copier asks after the last moment at which it can be stopped, so the choice is closed."""
    ours, theirs = pty.openpty()
    asking = ["copier", "update", "--trust", "--vcs-ref", NEWEST, "--defaults"]
    process = subprocess.Popen(
        [sys.executable, "-m", *asking, "--ask", "framework"],
        cwd=service,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "200"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    shown = b""

    def offered() -> bool:
        nonlocal shown
        if select.select([ours], [], [], 0.1)[0]:
            shown += os.read(ours, 2**16)
        return b"(this service is" in shown  # and not more before the line is full

    try:
        until(offered, "nobody is told", 60)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
    closed = {"django": b"- FastAPI (", "fastapi": b"- Django REST"}[framework]
    assert closed in shown
    assert git(service, "status", "--short") == ""


def test_a_framework_that_was_edited_by_hand_is_noticed(
    service: Path, framework: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Copier would take the service for one of the other framework, and delete it file by file."""
    other = {"django": "fastapi", "fastapi": "django"}[framework]
    file = service / ANSWERS
    file.write_text(file.read_text().replace(f"framework: {framework}", f"framework: {other}"))
    commit(service, "chore: another framework")
    assert f"is made with {framework} and keeps it" in refused(service, capfd)


def test_no_copy_over_a_service_changes_its_framework(
    gate: Gate, service: Path, framework: str
) -> None:
    """Nor does `copier recopy`: the answer itself is refused."""
    other = {"django": "fastapi", "fastapi": "django"}[framework]
    with pytest.raises(ValueError, match=f"is made with {framework} and keeps it"):
        copier.run_copy(
            str(gate.history), service, data={"framework": other}, vcs_ref=NEWEST,
            defaults=True, unsafe=True, overwrite=True, quiet=True,
        )  # fmt: skip
    assert git(service, "status", "--short") == ""


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("README.md", "<<<<<<< before updating\nours\n=======\ntheirs\n>>>>>>> after updating\n"),
        ("Makefile.rej", "@@ -1 +1 @@\n"),
    ],
)
def test_what_an_earlier_update_left_stops_the_next(
    service: Path, capfd: pytest.CaptureFixture[str], path: str, text: str
) -> None:
    """Markers within markers, nobody could settle."""
    (service / path).write_text(text)
    commit(service, "chore: update")
    assert refused(service, capfd) == (
        f"An earlier update left conflicts in {path}: settle them and commit, then update again."
    )


@pytest.mark.full
def test_answers_that_change_and_change_back_leave_nothing(
    gate: Gate, framework: str, tmp_path: Path
) -> None:
    """Whatever an option brings, the option takes away."""
    service = gate.born(NEWEST, dict(VARIANTS[framework]), tmp_path / "service")
    start = tree(service)
    asked = {name: choices(q) for name, q in questions(gate.history, NEWEST).items()}
    before = answers(service)
    for at in (0, -1):
        other = {
            name: values[at]
            for name, values in asked.items()
            if values and values[at] != before[name] and name not in ("framework", "customise")
        }
        for given in (other, {name: before[name] for name in other}):
            update(service, NEWEST, False, **given)
            commit(service, "chore: other answers")
    assert difference(start, tree(service)) == ""


@pytest.mark.full
def test_releases_can_be_skipped(
    gate: Gate, oldest: Path, framework: str, tmp_path: Path, record_property: table.Record
) -> None:
    """One step over all releases gives the bytes that one step after the other gives."""
    table.note(record_property, OLDEST, framework, "skipped")
    stepwise = shutil.copytree(oldest, tmp_path / "stepwise")
    for to in [*list(RELEASES)[1:], NEWEST]:
        update(stepwise, to)
        commit(stepwise, f"chore: update to {to}")
    gate.update(oldest)
    assert difference(tree(oldest), tree(stepwise)) == ""


@pytest.mark.full
def test_a_bot_gets_what_a_person_gets(
    gate: Gate, oldest: Path, framework: str, record_property: table.Record
) -> None:
    """Renovate asks only what has no answer yet: what migrations answer stays answered."""
    table.note(record_property, OLDEST, framework, "bot")
    gate.update(oldest, skip_answered=True)
    gate.compare(oldest, gate.fresh(OLDEST, dict(VARIANTS[framework])))


@pytest.mark.full
def test_an_answer_that_was_edited_by_hand_is_no_change_of_the_service(
    oldest: Path, framework: str, record_property: table.Record
) -> None:
    """Copier takes what was rendered for the team's edit: it stays, or git says where they met."""
    table.note(record_property, OLDEST, framework, "by hand")
    file = oldest / ANSWERS
    file.write_text(file.read_text().replace("coverage_min: 85", "coverage_min: 71"))
    commit(oldest, "chore: less")
    update(oldest)
    assert recorded(oldest)["coverage_min"] == 71
    assert "fail_under = 85" in (oldest / "pyproject.toml").read_text()
    assert set(marked(oldest)) == set(unmerged(oldest)) == {"README.md"}  # two badges, side by side


def test_an_update_without_trust_changes_nothing(service: Path) -> None:
    """Copier says what it needs, and leaves the service as it was."""
    with pytest.raises(copier.errors.UnsafeTemplateError, match="migrations"):
        copier.run_update(service, vcs_ref=NEWEST, defaults=True, overwrite=True, quiet=True)
    assert git(service, "status", "--short") == ""


@pytest.mark.full
def test_migrations_that_run_twice_change_nothing_the_second_time(born: Born) -> None:
    """Those of every release, before and after, by hand in a service that is older."""
    service = born()
    entries = yaml.safe_load((ROOT / "copier.yml").read_text())["_migrations"]
    programs = [ROOT / entry["command"][1].partition("}}/")[2] for entry in entries]
    for program, stage in itertools.product(programs, ("before", "after")):
        for time_ in ("first", "second"):
            before = tree(service)
            command = [sys.executable, str(program), stage, ANSWERS]
            done = subprocess.run(command, cwd=service, check=False, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            if time_ == "second":
                assert (done.stdout, difference(before, tree(service))) == ("", "")


def rewritten(service: Path) -> bool:
    """Tell whether the migrations before the merge have been taken."""
    return "example_domain" in (service / ANSWERS).read_text()


def rendered(service: Path) -> bool:
    """Tell whether the new release was rendered over the service."""
    return (service / "tests" / "test_migrations.py").exists()


def merged(service: Path) -> bool:
    """Tell whether the team's edits are back in what was rendered."""
    return rendered(service) and "Our quick start" in (service / "README.md").read_text()


@pytest.mark.full
@pytest.mark.parametrize("moment", [rewritten, rendered, merged])
def test_a_killed_update_is_undone_by_one_command_and_starts_again(
    gate: Gate, oldest: Path, framework: str, moment: Callable[[Path], bool]
) -> None:
    """Whenever it dies: every byte is there again, ignored files too, and the next one succeeds."""
    readme = oldest / "README.md"
    readme.write_text(readme.read_text().replace("Quick start", "Our quick start"))
    (oldest / ".env").write_text("SECRET_KEY=mine\n")
    commit(oldest, "feat: the team's work")
    before = tree(oldest)
    command = [sys.executable, "-m", "copier", "update", "--trust", "--defaults"]
    process = subprocess.Popen(
        [*command, "--vcs-ref", NEWEST],
        cwd=oldest,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not moment(oldest):
        assert process.poll() is None, "the update ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert git(oldest, "status", "--short") != ""
    subprocess.run(UNDO, shell=True, cwd=oldest, check=True, capture_output=True)  # noqa: S602
    assert difference(before, tree(oldest)) == ""
    gate.update(oldest)
    assert recorded(oldest)["_commit"] == NEWEST
    assert "Our quick start" in readme.read_text()
    assert (oldest / ".env").read_text() == "SECRET_KEY=mine\n"
