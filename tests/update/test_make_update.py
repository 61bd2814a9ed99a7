"""`make update` of a service: what it shows, merges and refuses, and how it is undone.

It runs here in services of a few files, whose template is made around the `dev/update.py` that
every service has; tests/update/test_upgrade_guide.py types it in whole ones.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import copier
import pytest
import yaml

from tests.harness.projects import find_uv
from tests.support import GIT_ENVIRONMENT, ROOT, commit, git

OLDEST, OLD, NEW = "v1.0.0", "v1.1.0", "v1.3.0"
UNDO = "git reset --hard && git clean -fd"
QUESTIONS = {
    "colour": {"type": "str", "default": "red"},
    "_subdirectory": "template",
    # As long as it runs, the update is in the middle.
    "_migrations": ["! test -e .git/slow || { touch .git/half; sleep 60; }"],
}
CHANGELOG = """# Changelog

## Unreleased

Not yet.

## 1.3.0 (2026-03-03)

The third.

## 1.2.0 (2026-02-02)

The second.

## 1.1.0 (2026-01-01)

The first.
"""
LEDGER = """
[[hardening]]
id = "PS-001"
title = "What is old"
severity = "high"
since = "1.1.0"

[[hardening]]
id = "PS-002"
title = "What is new"
severity = "medium"
since = "1.2.0"
"""
PROJECT = """[project]
name = "small"
version = "1"
requires-python = ">=3.11"
dependencies = [
]

[tool.uv]
package = false

[tool.uv.sources]
ours = {path = "ours"}
theirs = {path = "theirs"}

[dependency-groups]
dev = [
]
"""
PACKAGE = '[project]\nname = "{}"\nversion = "1"\n[tool.uv]\npackage = false\n'
TABLE = """# Settings

<!-- variables: written by dev/reference.py -->

| {} |

<!-- /variables -->
"""
# It keeps which targets were made, and fails where a test wants it to.
MAKEFILE = """.PHONY: docs check doctor
docs check doctor:
\t@echo "$@ $(VERSION)$(ARGS)" >> .git/steps
\t@! grep -qs $@ .git/fail
"""
LINES = "".join(f"line {n}\n" for n in range(1, 12))


def write(folder: Path, texts: dict[str, str]) -> None:
    """Write files below a folder."""
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a template of a few files with releases; the newest changes most of them."""
    folder = tmp_path_factory.mktemp("small") / "small"
    inner, answers = folder / "template", "{{_copier_conf.answers_file}}.jinja"
    write(folder, {"copier.yml": yaml.safe_dump(QUESTIONS), "CHANGELOG.md": CHANGELOG})
    texts = dict.fromkeys(("near.txt", "far.txt", "dropped.txt", "same.txt"), LINES)
    texts |= {"Makefile": MAKEFILE, "pyproject.toml": PROJECT, ".gitignore": ".venv/\n"}
    texts |= {"theirs/pyproject.toml": PACKAGE.format("theirs"), "docs/a.md": TABLE.format("old")}
    texts["colour.txt.jinja"] = "{{ colour }}\n"
    for name in (answers, "dev/update.py"):
        texts[name] = (ROOT / "template" / name).read_text()
    write(inner, texts)
    commit(folder, "first", tag=OLDEST)
    commit(folder, "second", tag=OLD)
    newer = dict.fromkeys(("near.txt", "far.txt"), LINES.replace("line 6", "line six"))
    newer |= {"dev/doctor/hardenings.toml": LEDGER, "docs/a.md": TABLE.format("new")}
    newer |= {"pyproject.toml": PROJECT.replace("dev = [", 'dev = [\n    "theirs",')}
    newer |= {"dev/doctor/__main__.py": ""}
    write(inner, newer)
    (inner / "dropped.txt").unlink()
    commit(folder, "third", tag=NEW)
    git(folder, "tag", "v2.0.0rc1")
    return folder


@pytest.fixture(scope="module")
def born(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a committed service of the release before the newest. Only to be copied."""
    made = tmp_path_factory.mktemp("born") / "service"
    copier.run_copy(str(small), made, vcs_ref=OLD, defaults=True, unsafe=True, quiet=True)
    commit(made)
    return made


@pytest.fixture
def service(born: Path, tmp_path: Path) -> Path:
    """Return a service in which a team has worked, far from what the newest release changes."""
    made = shutil.copytree(born, tmp_path / "service")
    texts = {"ours/pyproject.toml": PACKAGE.format("ours"), "far.txt": f"ours\n{LINES}"}
    texts["pyproject.toml"] = PROJECT.replace("dependencies = [", 'dependencies = [\n    "ours",')
    write(made, texts)
    commit(made, "the team's work")
    return made


def start(service: Path, *arguments: str, **environ: str) -> "subprocess.Popen[str]":
    """Start the service's `dev/update.py` with the tests' own Copier; it says all in `stdout`."""
    given = {"COPIER": f"{sys.executable} -m copier", "UV": find_uv(), "UV_OFFLINE": "1"}
    return subprocess.Popen(
        [sys.executable, "dev/update.py", *arguments],
        cwd=service,
        env=os.environ | GIT_ENVIRONMENT | given | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # Who runs the tests in the background hands down that Ctrl-C is to be ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def updated(service: Path, *arguments: str, status: int = 0, **environ: str) -> str:
    """Run `dev/update.py` to its end, and return what it said."""
    process = start(service, *arguments, **environ)
    said, _ = process.communicate(timeout=180)
    assert process.returncode == status, said
    return said


def content(folder: Path) -> dict[str, bytes]:
    """Return each file below a folder, git's own too; but the index, which any `status` writes."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "index"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def of_the_team(folder: Path) -> dict[str, bytes]:
    """Return the files that are neither git's nor a tool's."""
    tools = (".git/", ".venv/", ".ruff_cache/")
    return {name: text for name, text in content(folder).items() if not name.startswith(tools)}


def steps(service: Path) -> list[str]:
    """Return the targets that an update made, with what they were given, and forget them."""
    kept = service / ".git" / "steps"
    made = kept.read_text().splitlines() if kept.exists() else []
    kept.unlink(missing_ok=True)
    return [step.strip() for step in made]


def test_a_preview_says_what_comes_and_writes_nothing(service: Path) -> None:
    """Each path with what becomes of it, the hardening, the notes; and no byte changes here."""
    before = content(service)
    said = updated(service, "preview")
    assert content(service) == before
    assert "2 added:\n\n- `dev/doctor/__main__.py`\n- `dev/doctor/hardenings.toml`\n" in said
    assert "3 changed:\n\n- `.copier-answers.yml`\n- `docs/a.md`\n- `near.txt`\n" in said
    assert "2 merged with your edits:\n\n- `far.txt`\n- `pyproject.toml`\n" in said
    assert "1 deleted:\n\n- `dropped.txt`\n" in said
    assert "- **PS-002** (medium) What is new" in said
    assert "PS-001" not in said
    assert said.endswith("Nobody has to decide anything: `make update`.\n")


def test_a_preview_that_is_interrupted_leaves_nothing(service: Path, tmp_path: Path) -> None:
    """Ctrl-C takes the copy away that it worked on, and the service never knew of it."""
    before, folder = content(service), tmp_path / "temporary"
    folder.mkdir()
    sleeps = "sh -c 'test $0 = copy || sleep 60'"
    process = start(service, "preview", COPIER=sleeps, TMPDIR=str(folder))
    deadline = time.monotonic() + 90
    while not [*folder.glob("*/service/near.txt")]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert [*folder.iterdir()] == []
    assert content(service) == before


def test_a_service_may_be_a_folder_of_a_repository(service: Path, tmp_path: Path) -> None:
    """What becomes of its paths is told as in a repository of its own."""
    larger = tmp_path / "larger"
    shutil.copytree(service, larger / "service", ignore=shutil.ignore_patterns(".git"))
    commit(larger)
    said = updated(larger / "service", "preview")
    assert "2 merged with your edits:\n\n- `far.txt`\n- `pyproject.toml`\n" in said


def test_an_update_merges_locks_writes_anew_and_checks(service: Path) -> None:
    """Both sides' lines and dependencies are in it, and nothing is committed for people."""
    head = git(service, "rev-parse", "HEAD")
    said = updated(service, "update", MAKEFLAGS="-- VERSION=v1.3.0", VERSION=NEW)
    assert (service / "far.txt").read_text() == "ours\n" + LINES.replace("line 6", "line six")
    assert steps(service) == ["docs", "check", "doctor --offline"]
    lock = (service / "uv.lock").read_text()
    assert {'name = "ours"', 'name = "theirs"'} < set(lock.splitlines())
    command = [find_uv(), "lock", "--check", "--offline", "--quiet"]
    subprocess.run(command, cwd=service, check=True)
    assert "The third." in said
    assert "git commit --message" in said
    assert git(service, "rev-parse", "HEAD") == head
    assert not (service / ".git" / "template-update").exists()


def pretend(service: Path, old: str, new: str) -> None:
    """Change what the answers file says, as an update would."""
    answers = service / ".copier-answers.yml"
    text = answers.read_text()
    assert old in text
    answers.write_text(text.replace(old, new))


def test_the_notes_are_those_of_the_crossed_releases(service: Path) -> None:
    """A team that skips a release reads its notes too, and none that it has read before."""
    pretend(service, OLD, NEW)
    write(service, {"dev/doctor/hardenings.toml": LEDGER})
    said = updated(service, "notes")
    assert said.startswith(f"From {OLD} to {NEW} of the template, ")
    told = [word for word in ("Not yet", "The third", "The second", "The first") if word in said]
    assert told == ["The third", "The second"]
    assert "- **PS-002** (medium) What is new" in said
    assert "PS-001" not in said
    commit(service, "update")
    assert updated(service, "notes") == "\n"


def test_notes_that_cannot_be_had_are_no_fault(service: Path) -> None:
    """What came is told without them, and why they are missing."""
    source = yaml.safe_load((service / ".copier-answers.yml").read_text())["_src_path"]
    pretend(service, source, "../gone")
    commit(service, "another source")
    pretend(service, OLD, NEW)
    assert "The notes of ../gone cannot be had: " in updated(service, "notes")


def test_a_conflict_is_named_and_the_undo_is_complete(service: Path, tmp_path: Path) -> None:
    """It is foretold, ends the update with a status, keeps `finish` waiting, and can be undone."""
    write(service, {"near.txt": LINES.replace("line 6", "our line"), "dropped.txt": "ours\n"})
    commit(service, "more work")
    before = of_the_team(service)
    assert "A person must decide about 2 of these files" in updated(service, "preview")
    summary = tmp_path / "summary"
    said = updated(service, "update", status=1, GITHUB_STEP_SUMMARY=str(summary))
    assert "1 deleted, though you had changed them:\n\n- `dropped.txt`\n" in said
    assert "1 conflicts:\n\n- `near.txt`\n" in said
    assert "type `make update-finish`" in said
    assert "- `near.txt`" in summary.read_text()
    assert steps(service) == []
    assert "unmerged (near.txt)" in updated(service, "update", status=1)
    assert "Settle these first" in updated(service, "finish", status=1)
    write(service, {"near.txt": "settled\n"})
    assert "The update is in." in updated(service, "finish")
    assert steps(service) == ["docs", "check", "doctor --offline"]
    subprocess.run(UNDO, shell=True, cwd=service, check=True)  # noqa: S602 - as people type it
    assert of_the_team(service) == before
    assert git(service, "status", "--porcelain") == ""


def test_a_generated_table_is_written_anew_and_not_merged(service: Path) -> None:
    """A conflict in it is none: both sides' rows come from the code."""
    write(service, {"docs/a.md": TABLE.format("ours")})
    commit(service, "a setting of ours")
    updated(service, "update", "--no-checks")
    assert (service / "docs" / "a.md").read_text() == TABLE.format("new")
    assert git(service, "diff", "--name-only", "--diff-filter=U") == ""


def test_a_step_that_fails_is_named_with_both_ways_out(service: Path) -> None:
    """What is merged stays; once the fault is mended, one command goes on."""
    write(service, {".git/fail": "check\n"})
    said = updated(service, "update", status=1)
    assert "`make check` failed; the update itself is merged." in said
    assert "`make update-finish`" in said
    assert UNDO in said
    assert steps(service) == ["docs", "check"]
    assert "An update is in already: go on with" in updated(service, "update", status=1)
    (service / ".git" / "fail").unlink()
    assert "The update is in." in updated(service, "finish")


def half_an_update(service: Path) -> "subprocess.Popen[str]":
    """Start an update and return it when Copier is in the middle."""
    write(service, {".git/slow": ""})
    process = start(service, "update")
    deadline = time.monotonic() + 90
    while not (service / ".git" / "half").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    return process


def test_a_killed_update_says_so_and_can_start_again(service: Path) -> None:
    """The next start knows what happened; after the undo nothing is lost and it comes in."""
    before = of_the_team(service)
    process = half_an_update(service)
    assert "Another update is on its way here." in updated(service, "update", status=1)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    said = updated(service, "update", status=1)
    assert f"An update from {OLD} to {NEW} was interrupted. Put what" in said
    subprocess.run(UNDO, shell=True, cwd=service, check=True)  # noqa: S602 - as people type it
    assert of_the_team(service) == before
    (service / ".git" / "slow").unlink()
    assert "The update is in." in updated(service, "update")


def test_an_update_that_is_told_to_end_takes_copier_along(service: Path) -> None:
    """Nothing is written any more when it has ended, or it would be after the undo."""
    process = half_an_update(service)
    process.terminate()
    process.wait(timeout=60)
    command = ["pgrep", "-g", str(process.pid), "-f", "copier"]
    assert subprocess.run(command, check=False, capture_output=True, text=True).stdout == ""


def test_what_was_interrupted_long_ago_is_no_reason_to_undo(service: Path) -> None:
    """After a commit the team's own edits are the team's own."""
    process = half_an_update(service)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    subprocess.run(UNDO, shell=True, cwd=service, check=True)  # noqa: S602 - as people type it
    write(service, {"own.txt": "ours\n"})
    commit(service, "more")
    write(service, {"own.txt": "more of ours\n"})
    assert "Commit or stash first" in updated(service, "update", status=1)


def test_other_answers_come_in_as_a_release_does(service: Path) -> None:
    """The version stays; a name that nobody asks for is refused before anything happens."""
    said = updated(service, "answers", "colour=blue")
    assert (service / "colour.txt").read_text() == "blue\n"
    assert f"_commit: {OLD}" in (service / ".copier-answers.yml").read_text()
    assert steps(service) == ["docs", "check"]
    assert "The update is in." in said
    commit(service, "another colour")
    before = content(service)
    for wrong in (["color=green"], []):
        told = updated(service, "answers", *wrong, status=1)
        assert told == "Give NAME=VALUE; these can be answered: colour.\n"
    assert content(service) == before


def test_what_a_team_edited_in_a_renamed_file_needs_nobody(
    service: Path, small: Path, tmp_path: Path
) -> None:
    """Preview and update say where it is now, and go on."""
    template = shutil.copytree(small, tmp_path / "template")
    source = "{{ _copier_conf.src_path }}/extensions/migrations/v1_4_0.py"
    answers = "{{ _copier_conf.answers_file }}"
    command = ["{{ _copier_python }}", source, "{{ _stage }}", answers]
    moves = {"version": "v1.4.0", "when": True, "command": command}
    step = 'import steps\n\nsteps.run(lambda update: update.move("near.txt", "close.txt"))\n'
    steps_py = (ROOT / "extensions" / "migrations" / "steps.py").read_text()
    migrations = {"_migrations": [moves]}
    write(template, {"copier.yml": yaml.safe_dump(QUESTIONS | migrations)})
    write(template / "extensions" / "migrations", {"steps.py": steps_py, "v1_4_0.py": step})
    git(template, "mv", "template/near.txt", "template/close.txt")
    commit(template, "fourth", tag="v1.4.0")
    pretend(service, str(small), str(template))
    write(service, {"near.txt": f"ours\n{LINES}"})
    commit(service, "edits")
    said = updated(service, "preview")
    assert "3 merged with your edits:\n" in said
    assert said.index("merged with") < said.index("- `close.txt`") < said.index("2 deleted")
    assert "2 deleted:\n\n- `dropped.txt`\n- `near.txt`\n" in said
    assert "Nobody has to decide anything" in said
    assert "The update is in." in updated(service, "update")
    merged = LINES.replace("line 6", "line six")
    assert (service / "close.txt").read_text() == f"ours\n{merged}"


def test_where_copier_stops_it_is_said_whether_to_undo(service: Path) -> None:
    """A guard stops an update before it changed anything; a fault may come later."""
    before = content(service)
    said = updated(service, "update", status=1, COPIER="sh -c 'test $0 = copy'")
    assert "Copier stopped before it changed anything." in said
    assert content(service) == before
    fails = "sh -c 'test $0 = copy || { touch half; false; }'"
    said = updated(service, "update", status=1, COPIER=fails)
    assert f"Copier stopped in the middle. Undo it: {UNDO}" in said


def refused(service: Path, sentence: str, **environ: str) -> None:
    """Check that update and preview say a sentence, and that the service stays as it is."""
    before = content(service)
    for command in ("update", "preview"):
        assert sentence in updated(service, command, status=1, **environ)
    assert content(service) == before


def test_where_git_could_not_undo_it_no_update_begins(service: Path) -> None:
    """One sentence each: no repository, no commit, edits, markers, merges that are not settled."""
    write(service, {"own.txt": "ours\n"})
    refused(service, "Commit or stash first")
    git(service, "clean", "--quiet", "--force")
    write(service, {".gitignore": ".venv/\ndev/doctor/\n"})
    commit(service, "ignore")
    write(service, {"dev/doctor/hardenings.toml": "ours\n"})
    refused(service, f"Git does not know dev/doctor/hardenings.toml, and {NEW} has it too")
    git(service, "clean", "--quiet", "--force", "-dX")
    git(service, "update-index", "--skip-worktree", "far.txt")
    refused(service, "Git was told to see no edits of far.txt")
    git(service, "update-index", "--no-skip-worktree", "far.txt")
    (service / "own.txt").write_text("<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n")
    commit(service, "a mistake")
    refused(service, "whose markers are committed in own.txt")
    git(service, "rm", "--quiet", "own.txt")
    commit(service, "mended")
    git(service, "checkout", "--quiet", "-b", "other")
    write(service, {"far.txt": "other\n"})
    commit(service, "other")
    git(service, "checkout", "--quiet", "main")
    write(service, {"far.txt": "main\n"})
    commit(service, "main")
    merge, known = ["git", "merge", "--quiet", "other"], os.environ | GIT_ENVIRONMENT
    subprocess.run(merge, cwd=service, env=known, check=False, capture_output=True)
    refused(service, "Settle first what is unmerged (far.txt)")
    shutil.rmtree(service / ".git")
    git(service, "init", "--quiet")
    refused(service, "Commit everything first")
    shutil.rmtree(service / ".git")
    refused(service, "This is no git repository")


def test_a_release_that_cannot_be_compared_is_refused(service: Path) -> None:
    """A version that is none, older or unknown, and a source that does not answer, are named."""
    refused(service, "v9.9.9 is no release of the template; the newest is v1.3.0", VERSION="v9.9.9")
    refused(service, "v1.0.0 is older than v1.1.0", VERSION="v1.0.0")
    pretend(service, OLD, "v1.1.0-3-g1a2b3c4")
    commit(service, "of no release")
    refused(service, "_commit is 'v1.1.0-3-g1a2b3c4'")
    pretend(service, "v1.1.0-3-g1a2b3c4", OLD)
    pretend(service, "_src_path: /", "_src_path: /nowhere/")
    commit(service, "of a source that is gone")
    refused(service, "releases cannot be asked for at /nowhere/")


def test_nothing_newer_is_no_fault(service: Path) -> None:
    """A job that asks every week ends well; a release that is not final is not offered."""
    pretend(service, OLD, NEW)
    commit(service, "as if new")
    before = content(service)
    for command in ("update", "preview"):
        assert f"{NEW} is what the service has" in updated(service, command)
    assert content(service) == before
