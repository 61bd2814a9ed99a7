"""Take in a newer release of the template: `make update-preview`, then `make update`.

`preview` updates a clone in a temporary folder and writes nothing here. `update` begins only where
git can undo it, merges, and ends with `finish`, which a person also calls after a conflict: it
writes anew what is generated, and checks. `answers` does the same with other answers, each
`NAME=VALUE`, and no newer release. `notes` prints what an update that is not committed yet brings.
`VERSION` names a release other than the newest, `COPIER` another command for Copier.
"""

import fcntl
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn, TextIO

ROOT = Path(__file__).resolve().parent.parent
ANSWERS = ".copier-answers.yml"
LEDGER = "dev/doctor/hardenings.toml"
UV = os.environ.get("UV", "uv")  # set by `uv run`
COPIER = shlex.split(os.environ.get("COPIER", "")) or [
    *(UV, "tool", "run", "--with", "jinja2-time", "--with", "copier-template-extensions", "copier")
]
UNDO = "git reset --hard && git clean -fd"
RELEASE = re.compile(r"v\d+(\.\d+)*")
# What `make` would hand down to the `make` of a step, and what would stop git with a question.
OURS = ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "ARGS", "VERSION", "VIRTUAL_ENV")
ENVIRON = {name: text for name, text in os.environ.items() if name not in OURS}
ENVIRON |= {"GIT_TERMINAL_PROMPT": "0"}
BUSY = "Another update is on its way here."
CONFLICT = "conflicts"
DELETED = "deleted, though you had changed them"
REJECTED = "hunks that found no place"
CLASSES = ("added", "changed", "merged with your edits", "deleted", DELETED, REJECTED, CONFLICT)
DECISIONS = (DELETED, REJECTED, CONFLICT)
HUNK = re.compile(r"^<<<<<<< .*?^=======\n(.*?)^>>>>>>> [^\n]*\n", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"<!-- (\w+): written by dev/reference\.py -->.*?<!-- /\1 -->", re.DOTALL)

Changes = dict[str, list[str]]


def git(*arguments: str, tree: Path = ROOT) -> str:
    """Return what git prints; raises `subprocess.CalledProcessError` where it fails."""
    command = ["git", "-c", f"core.hooksPath={os.devnull}", *arguments]
    done = subprocess.run(
        command, cwd=tree, env=ENVIRON, check=True, capture_output=True, text=True
    )
    return done.stdout


def names(*arguments: str, tree: Path = ROOT) -> list[str]:
    """Return the paths that git lists when it is told `-z`."""
    return git(*arguments, tree=tree).split("\0")[:-1]


def answers_at(text: str) -> tuple[str, str]:
    """Return the release and the source of the template that an answers file records."""
    found = dict(re.findall(r"""^(_commit|_src_path): *['"]?(.*?)['"]?$""", text, re.MULTILINE))
    return found.get("_commit", ""), found.get("_src_path", "")


def number(release: str) -> tuple[int, ...]:
    """Return what releases are compared by."""
    return tuple(map(int, release.removeprefix("v").split(".")))


def url(source: str) -> str:
    """Return what git calls the place that Copier calls `source`."""
    for alias, host in {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}.items():
        if source.startswith(alias):
            return f"{host}{source.removeprefix(alias).removesuffix('.git')}.git"
    return str(Path(source).expanduser()) if source[:1] == "~" else source.removeprefix("git+")


def without_credentials(source: str) -> str:
    """Return an address as it may be printed."""
    return re.sub(r"//[^/@]*@", "//", source)


def marker() -> Path:
    """Return the file, below git's own folder, that is there while Copier merges."""
    return ROOT / git("rev-parse", "--git-path", "template-update").strip()


def locks(file: TextIO) -> bool:
    """Lock a file until this process ends or closes it; False where another one has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def interrupted() -> str:
    """Return which update was begun on this commit and did not end, or nothing."""
    head, _, told = marker().read_text().partition("\n") if marker().exists() else ("", "", "")
    return told if head == git("rev-parse", "HEAD").strip() else ""


def marked() -> list[str]:
    """Return the files that hold conflict markers."""
    both = ("--all-match", "-e", "^<<<<<<< ", "-e", "^>>>>>>> ")
    try:
        return sorted(set(names("grep", "-I", "-l", "-z", "--untracked", *both)))
    except subprocess.CalledProcessError:  # that is how it says that there is none
        return []


def brought_to(tree: Path) -> tuple[str, str, str]:
    """Return the release before the update in a tree, that after it, and the template's source.

    All are empty where there is no update that is not committed yet.
    """
    release, source = answers_at(git("show", f"HEAD:./{ANSWERS}", tree=tree))
    answers = tree / ANSWERS
    newer, _ = answers_at(answers.read_text() if answers.exists() else "")
    known = RELEASE.fullmatch(release) and RELEASE.fullmatch(newer) and newer != release
    return (release, newer, source) if known else ("", "", "")


def uncommitted() -> str:
    """Return what is to be done with what is not committed."""
    if marker().exists():
        with marker().open("a") as file:
            if not locks(file):
                return BUSY
    if told := interrupted():
        return (
            f"{told} was interrupted. Put what `git status` names of your own elsewhere, then "
            f"undo the rest and start again: {UNDO}"
        )
    if unmerged := names("diff", "--name-only", "-z", "--diff-filter=U"):
        return f"Settle first what is unmerged ({', '.join(unmerged)}), or undo it: {UNDO}"
    if any(brought_to(ROOT)):
        return f"An update is in already: go on with `make update-finish`, or undo it: {UNDO}"
    return "Commit or stash first what `git status` names, so that git can undo an update."


def refusal() -> str:
    """Return why no update can begin here, or nothing."""
    try:
        git("rev-parse", "--git-dir")
    except (OSError, subprocess.CalledProcessError):
        return "This is no git repository, which could undo an update: `git init`, then commit."
    try:
        release, source = answers_at(git("show", f"HEAD:./{ANSWERS}"))
    except subprocess.CalledProcessError:
        return f"Commit everything first: {ANSWERS} is in no commit of this branch."
    if git("status", "--porcelain", "--untracked-files=all"):
        return uncommitted()
    hidden = [row[2:] for row in names("ls-files", "-v", "-z") if row[0] == "S" or row[0].islower()]
    if hidden:
        told = "take back `git update-index` --skip-worktree or --assume-unchanged"
        return f"Git was told to see no edits of {', '.join(hidden)}: {told}."
    if conflicts := marked():
        return f"Settle first the conflict whose markers are committed in {', '.join(conflicts)}."
    if not RELEASE.fullmatch(release) or not source:
        return (
            f"{ANSWERS} names no release of the template (_commit is '{release}'), so nothing can "
            "be compared: docs/upgrade.md says what to do."
        )
    return ""


def target(release: str, source: str) -> str:
    """Return the release to update to, or nothing where there is none that is newer."""
    try:
        listed = git("ls-remote", "--tags", "--refs", "--", url(source))
    except subprocess.CalledProcessError as error:
        shown = without_credentials(source)
        sys.exit(f"The template's releases cannot be asked for at {shown}: {error.stderr.strip()}")
    tags = [row.rpartition("/")[2] for row in listed.splitlines()]
    released = sorted(filter(RELEASE.fullmatch, tags), key=number)
    if not released:
        sys.exit(f"{source} has no releases.")
    wanted = os.environ.get("VERSION") or released[-1]
    wanted = f"v{wanted}" if f"v{wanted}" in released else wanted
    if wanted not in released:
        sys.exit(f"{wanted} is no release of the template; the newest is {released[-1]}.")
    if number(wanted) < number(release):
        sys.exit(f"{wanted} is older than {release}, and an update goes forward only.")
    return wanted if wanted != release else ""


def copier(folder: Path, *arguments: str) -> list[str]:
    """Return the command for Copier; what it leaves when it is killed is in `folder`."""
    return ["env", f"TMPDIR={folder}", *COPIER, *arguments]


def rendered(tree: Path, release: str, folder: Path, data: Iterable[str] = ()) -> Path:
    """Render a release with the answers of a tree's last commit and others; return where."""
    text = git("show", f"HEAD:./{ANSWERS}", tree=tree)
    target, answers = Path(tempfile.mkdtemp(dir=folder)), folder / "answers.yml"
    answers.write_text(text)
    options = ["--trust", "--defaults", "--quiet", "--skip-tasks", "--vcs-ref", release]
    options += ["--data-file", str(answers), *(f"--data={answer}" for answer in data)]
    command = copier(folder, "copy", *options, answers_at(text)[1], str(target))
    subprocess.run(command, cwd=ROOT, env=ENVIRON, check=True, capture_output=True, text=True)
    return target


def ignored(newer: str, answers: list[str], folder: Path) -> list[str]:
    """Return the files here that git does not know and that an update would write over."""
    new = rendered(ROOT, newer, folder, answers)
    known = {ROOT / path for path in names("ls-files", "-z")}
    ours = (ROOT / path.relative_to(new) for path in new.rglob("*") if path.is_file())
    return [str(path.relative_to(ROOT)) for path in ours if path.is_file() and path not in known]


def edited(tree: Path, paths: list[str], folder: Path) -> set[str]:
    """Return which of these paths the team had changed since the template wrote them."""
    release, _ = answers_at(git("show", f"HEAD:./{ANSWERS}", tree=tree))
    born = rendered(tree, release, folder)
    rows = names("ls-tree", "-r", "-z", "HEAD", tree=tree)
    committed = {path: kind.split()[2] for kind, _, path in (row.partition("\t") for row in rows)}
    known = [path for path in paths if (born / path).is_file()]
    files = [str(born / path) for path in known]
    written = git("hash-object", "--no-filters", "--", *files, tree=tree).split() if files else []
    return {path for path, blob in zip(known, written, strict=True) if committed[path] != blob}


def changes_of(tree: Path, folder: Path) -> Changes:
    """Return what an update did to the paths of a tree, by class."""
    prefix = git("rev-parse", "--show-prefix", tree=tree).strip()
    status = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    rows = names(*status, tree=tree)
    codes = {row[3:].removeprefix(prefix): row[:2] for row in rows}
    theirs = edited(tree, [path for path in codes if codes[path] in {" M", " D"}], folder)
    found: Changes = {name: [] for name in CLASSES}
    renamed = moved(tree)
    for path, code in codes.items():
        if "U" in code or code in {"AA", "DD"}:
            found[CONFLICT].append(path)
        elif path in renamed:
            found["merged with your edits"].append(path)
        elif path in renamed.values():
            found["deleted"].append(path)
        elif code == "??":
            found[REJECTED if path.endswith(".rej") else "added"].append(path)
        elif "D" in code:
            found[DELETED if path in theirs else "deleted"].append(path)
        else:
            found["merged with your edits" if path in theirs else "changed"].append(path)
    return found


def moved(tree: Path) -> dict[str, str]:
    """Return, by its new name, each file that the template renamed with the team's edits in it."""
    file = tree / git("rev-parse", "--git-path", "prodstarter/moved", tree=tree).strip()
    rows = file.read_text().splitlines() if file.exists() else []
    return {new: old for old, _, new in (row.partition("\t") for row in rows)}


def settle_tables(tree: Path) -> None:
    """Take the template's side of conflicts in generated tables: `make docs` writes them anew."""
    unmerged = ("diff", "--name-only", "--relative", "-z", "--diff-filter=U")
    for name in names(*unmerged, "--", "*.md", tree=tree):
        text = (tree / name).read_text()
        settled = TABLE.sub(lambda table: HUNK.sub(r"\1", table[0]), text)
        if settled != text:
            (tree / name).write_text(settled)
            if not HUNK.search(settled):
                git("reset", "--quiet", "--", name, tree=tree)


def hardenings(tree: Path, release: str) -> list[str]:
    """Return a row for each hardening of the tree that came after a release."""
    try:
        listed = tomllib.loads((tree / LEDGER).read_text()).get("hardening", [])
    except FileNotFoundError:
        return []
    except tomllib.TOMLDecodeError as error:
        return [f"- {LEDGER} cannot be read: {error}"]
    newer = [each for each in listed if number(each["since"]) > number(release)]
    return [f"- **{each['id']}** ({each['severity']}) {each['title']}" for each in newer]


def chapters(source: str, release: str, newer: str) -> str:
    """Return the changelog's chapters of the releases after one, up to another one."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--quiet", "--bare", "--depth", "1", "--branch", newer)
        try:
            git("clone", *options, "--", url(source), folder)
            text = git("show", "HEAD:CHANGELOG.md", tree=Path(folder))
        except subprocess.CalledProcessError as error:
            shown = without_credentials(source)
            return f"The notes of {shown} cannot be had: {error.stderr.strip()}\n"
    found = []
    for part in re.split(r"^(?=## )", text, flags=re.MULTILINE):
        heading = re.match(r"## (\d+(?:\.\d+)*)(?: |$)", part, re.MULTILINE)
        if heading and number(release) < number(heading[1]) <= number(newer):
            found.append(part)
    return "\n".join(part.strip() + "\n" for part in found)


def brought(tree: Path) -> str:
    """Return, as Markdown, what the update in a tree brings; nothing where there is none."""
    release, newer, source = brought_to(tree)
    if not newer:
        return ""
    shown = without_credentials(source)
    rows = hardenings(tree, release)
    listed = ["Hardening that comes with it:\n", *rows, ""] if rows else []
    first = f"From {release} to {newer} of the template, {shown}.\n"
    return "\n".join([first, *listed, chapters(source, release, newer)])


def say(text: str) -> None:
    """Print, on GitHub also into the summary of the job."""
    print(text, flush=True)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a") as file:
            file.write(f"{text}\n")


def listing(changes: Changes) -> str:
    """Return the paths by class, as Markdown."""
    parts = [
        f"{len(paths)} {name}:\n" + "".join(f"\n- `{path}`" for path in paths) + "\n"
        for name, paths in changes.items()
        if paths
    ]
    return "\n".join(parts)


def decisions(changes: Changes) -> int:
    """Return how many files a person must look at."""
    return sum(len(changes[name]) for name in DECISIONS)


def preview(folder: Path, newer: str) -> int:
    """Say what an update would do, and write nothing here."""
    head, prefix = git("rev-parse", "HEAD").strip(), git("rev-parse", "--show-prefix").strip()
    top, clone = git("rev-parse", "--show-toplevel").strip(), folder / "service"
    git("clone", "--quiet", "--shared", "--no-checkout", "--", top, str(clone), tree=folder)
    git("checkout", "--quiet", "--detach", head, tree=clone)
    options = ["--trust", "--defaults", "--quiet", "--vcs-ref", newer]
    command = copier(folder, "update", *options, str(clone / prefix))
    subprocess.run(command, cwd=ROOT, env=ENVIRON, check=True, capture_output=True, text=True)
    settle_tables(clone / prefix)
    changes = changes_of(clone / prefix, folder)
    print(listing(changes))
    print(brought(clone / prefix))
    print("Written anew by `make update`: uv.lock, docs/openapi.json, the tables of the documents.")
    if count := decisions(changes):
        print(f"A person must decide about {count} of these files: `make update` merges the rest.")
    else:
        print("Nobody has to decide anything: `make update`.")
    return 0


def update(folder: Path, newer: str, answers: list[str], checks: bool) -> int:
    """Merge the newer release into this tree, and go on where nobody has to decide."""
    release, _ = answers_at((ROOT / ANSWERS).read_text())
    head = git("rev-parse", "HEAD").strip()
    lock = marker().open("a")
    if not locks(lock):  # until this ends
        sys.exit(BUSY)
    marker().write_text(f"{head}\nAn update from {release} to {newer}")
    (marker().parent / "prodstarter" / "moved").unlink(missing_ok=True)
    told = f"with {', '.join(answers)}" if answers else f"from {release} to {newer}"
    print(f"Updating {told}. To undo it, also when it stops: {UNDO}", flush=True)
    options = ["--trust", "--defaults", "--quiet", "--vcs-ref", newer]
    options += [f"--data={answer}" for answer in answers]
    with subprocess.Popen(copier(folder, "update", *options), cwd=ROOT, env=ENVIRON) as merge:
        try:
            status = merge.wait()
        except BaseException:  # nothing may write here when this has ended
            merge.terminate()
            raise
    if status:
        if git("status", "--porcelain"):
            say(f"Copier stopped in the middle. Undo it: {UNDO}")
        else:
            marker().unlink(missing_ok=True)
            say("Copier stopped before it changed anything.")
        return 1
    settle_tables(ROOT)
    changes = changes_of(ROOT, folder)
    marker().unlink(missing_ok=True)
    if decisions(changes):
        say(listing({name: changes[name] for name in DECISIONS}))
        say(
            "A person must decide: settle these files as docs/upgrade.md says, then type "
            f"`make update-finish`. To undo the update: {UNDO}"
        )
        return 1
    print(listing(changes))
    return finish(checks)


def finish(checks: bool) -> int:
    """Write anew what is generated, check it all, and say what comes next."""
    left = [*marked(), *names("ls-files", "-z", "--others", "--exclude-standard", "*.rej")]
    if left:
        say(f"Settle these first, then type `make update-finish` again: {', '.join(left)}")
        return 1
    steps = ["uv lock", "uv sync --quiet", "make docs"]
    steps += ["uv run ruff check --fix-only --quiet", "uv run ruff format --quiet"]
    if checks:
        doctor = (ROOT / "dev" / "doctor" / "__main__.py").exists()
        steps += ["make check", *(["make doctor ARGS=--offline"] if doctor else [])]
    for step in steps:
        print(f"== {step}", flush=True)
        program, *rest = step.split()
        command = [UV, *rest] if program == "uv" else [program, "--no-print-directory", *rest]
        if subprocess.run(command, cwd=ROOT, env=ENVIRON).returncode:
            say(
                f"`{step}` failed; the update itself is merged. Mend what it names and type "
                f"`make update-finish`, or undo the update: {UNDO}"
            )
            return 1
    print(f"\n{brought(ROOT)}")
    print("The update is in. Look at it (`git diff`), read what the notes ask of you, then:\n")
    print("  git add --all")
    print('  git commit --message "chore: update from the template"\n')
    print(f"Then deploy: migrate, then serve (docs/deployment.md). To undo it: {UNDO}")
    return 0


def check_names(answers: list[str]) -> None:
    """End with the names that there are unless each answer has one of them."""
    asked = set(re.findall(r"^([a-z]\w*):", (ROOT / ANSWERS).read_text(), re.MULTILINE))
    if not answers or {answer.partition("=")[0] for answer in answers} - asked:
        sys.exit(f"Give NAME=VALUE; these can be answered: {', '.join(sorted(asked))}.")


def main(arguments: list[str]) -> int:
    """Do what the first argument says."""
    command, *options = arguments or [""]
    answers = [each for each in options if each[:2] != "--"] if command == "answers" else []
    known = {"preview", "update", "answers", "finish", "notes"}
    if command not in known or {*options} - {"--no-checks", *answers}:
        sys.exit(__doc__)
    checks = "--no-checks" not in options
    if command in {"notes", "finish"}:
        try:
            git("show", f"HEAD:./{ANSWERS}")
        except (OSError, subprocess.CalledProcessError):
            sys.exit(refusal())
        if command == "finish":
            return finish(checks)
        print(brought(ROOT))
        return 0
    if reason := refusal():
        sys.exit(reason)
    release, source = answers_at((ROOT / ANSWERS).read_text())
    if command == "answers":
        check_names(answers)
    newer = release if answers else target(release, source)
    if not newer:
        print(f"{release} is what the service has: there is nothing to take in.")
        return 0
    with tempfile.TemporaryDirectory(prefix="template-update-") as name:
        if lost := ignored(newer, answers, Path(name)):
            sys.exit(f"Git does not know {', '.join(lost)}, and {newer} has it too: move it away.")
        if command == "preview":
            return preview(Path(name), newer)
        return update(Path(name), newer, answers, checks)


def stop(number: int, _: object) -> NoReturn:
    """End as after Ctrl-C, with what was begun."""
    sys.exit(128 + number)


if __name__ == "__main__":
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, stop)
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        sys.exit(f"{shlex.join(error.cmd)} failed:\n{error.stderr.strip()}")
    except KeyboardInterrupt:
        sys.exit(130)
