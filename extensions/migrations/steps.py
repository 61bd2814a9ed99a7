"""The steps of which the migrations beside this file are made: what a merge cannot do.

Copier runs such a migration in the service's folder, twice: `before` it merges and `after`. Each
step knows its stage, says in a sentence what it did, and can be repeated: the second time it
changes nothing and says nothing. What has to outlive the merge lies below git's own folder.
"""

import argparse
import filecmp
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from plumbum import local

git = local["git"]


class Update:
    """One stage of an update of the service in the current folder."""

    def __init__(self, stage: str, answers_file: Path) -> None:
        """Know the stage, `before` or `after`, and where the answers are recorded."""
        self.before = stage == "before"
        self.answers_file = answers_file
        self._kept = TemporaryDirectory(prefix="prodstarter-")  # as long as this program lives

    @cached_property
    def recorded(self) -> dict[str, Any]:
        """What the service was made from: the answers as they were when the update began."""
        answers = yaml.safe_load(git("show", f"HEAD:./{self.answers_file}"))
        if not isinstance(answers, dict):
            sys.exit(f"{self.answers_file} holds no answers: take it from an earlier commit.")
        return answers

    def _released(self, path: str) -> Path:
        """Return a file as the service's release renders it, or where it would be."""
        import copier  # takes longer than all else, and is seldom needed

        folder = Path(self._kept.name, path.replace("/", "-"))
        copier.run_copy(
            self.recorded["_src_path"],
            folder,
            data={name: value for name, value in self.recorded.items() if name[0] != "_"},
            answers_file=self.answers_file,
            exclude=["*", f"!/{path}"],
            vcs_ref=self.recorded["_commit"],
            defaults=True,
            quiet=True,
            skip_tasks=True,
            unsafe=True,
        )
        return folder / path

    def _saved(self, step: str, path: str) -> Path:
        """Return the folder in which a step keeps what it needs after the merge."""
        return Path(git("rev-parse", "--git-path", f"prodstarter/{step}/{path}").strip())

    def _rewrite(self, answers: Mapping[str, Any]) -> None:
        # Copier writes the file anew, with its header, when it has merged.
        self.answers_file.write_text(yaml.safe_dump(dict(answers), allow_unicode=True))

    def guard(self, holds: object, sentence: str) -> None:
        """Stop the update before anything is touched unless `holds` is true."""
        if self.before and not holds:
            # An older release's migration may have rewritten them already.
            git("checkout", "--quiet", "HEAD", "--", self.answers_file)
            sys.exit(sentence)

    def keep_as_before(self, **answers: object) -> None:
        """Answer questions that an older service was never asked so that it stays what it is."""
        recorded = yaml.safe_load(self.answers_file.read_text())
        new = {name: value for name, value in answers.items() if name not in recorded}
        if self.before and new:
            self._rewrite(recorded | new | {"customise": True})
            told = ", ".join(f"{name}: {yaml.safe_dump(new[name])}".split("\n")[0] for name in new)
            print(f"New questions are answered so that the service stays as it is ({told}).")

    def rewrite_answer(
        self, question: str, *, name: str = "", values: Mapping[object, object] | None = None
    ) -> None:
        """Keep an answer whose question has another name now, or whose choices have."""
        recorded = yaml.safe_load(self.answers_file.read_text())
        if not self.before or question not in recorded:
            return
        old, known = recorded[question], values or {}
        is_list = isinstance(old, list)
        new = [known.get(each, each) for each in old] if is_list else known.get(old, old)
        if (name or question, new) != (question, old):
            del recorded[question]
            self._rewrite({name or question: new} | recorded)
            print(f"The answer {question}: {old} is {name or question}: {new} now.")

    def move(self, old: str, new: str) -> None:
        """Merge a team's edits of a file that the template renamed; deleted, it stays deleted."""
        saved = self._saved("move", new)
        base, theirs = saved / "base", saved / "theirs"
        if self.before:
            shutil.rmtree(saved, ignore_errors=True)
            earlier = self._saved("move", old)
            if earlier.exists() and not Path(old).exists():  # an older release moved it here
                saved.parent.mkdir(parents=True, exist_ok=True)
                earlier.rename(saved)
            elif (released := self._released(old)).is_file():
                _copy(released, base)
                if Path(old).is_file():
                    _copy(Path(old), theirs)
        elif saved.exists():
            self._moved(old, Path(new), base, theirs)
            shutil.rmtree(saved)

    def _moved(self, old: str, new: Path, base: Path, theirs: Path) -> None:
        if theirs.exists() and filecmp.cmp(theirs, base, shallow=False):
            return
        own = git("ls-tree", "--name-only", "HEAD", "--", str(new))
        if new.exists() and not own:
            if not theirs.exists():
                new.unlink()
                print(f"{new}, which was {old}, stays deleted.")
                return
            stages = [git("hash-object", "-w", "--", path) for path in (base, theirs, new)]
            labels = ["-L", "before updating", "-L", "last update", "-L", "after updating"]
            merge = git["merge-file", *labels, "--", theirs, base, new]
            conflicts, _, _ = merge.run(retcode=None)
            if conflicts < 128:  # anything else is an error: it is no text
                new.write_bytes(theirs.read_bytes())
                with self._saved("moved", "").open("a") as rows:  # for `make update`, which tells
                    rows.write(f"{old}\t{new}\n")
                print(f"Your edits of {old} are in {new}, which it is called now.")
                if conflicts:
                    _mark_unmerged(new, stages)
                    print(f"Both sides changed the same lines of {new}: settle the conflict there.")
                return
        if theirs.exists():
            _copy(theirs, Path(old))
            print(f"The template has {new} in the place of {old}, which you edited: yours stays.")

    def delete_if_unmodified(self, path: str) -> None:
        """Let a team keep a file that the template dropped, if the team edited it."""
        saved = self._saved("delete", path)
        if self.before:
            saved.unlink(missing_ok=True)
            base, theirs = self._released(path), Path(path)
            if base.is_file() and theirs.is_file() and not filecmp.cmp(base, theirs, shallow=False):
                _copy(theirs, saved)
        elif saved.exists():
            _copy(saved, Path(path))
            saved.unlink()
            print(f"The template dropped {path}, which you edited: it stays, and is yours now.")

    def ensure_line(self, path: str, line: str) -> None:
        """Append a line that a file which is not only the template's has to have."""
        file = Path(path)
        if self.before or not file.is_file() or line in (text := file.read_text()).splitlines():
            return
        file.write_text(f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{line}\n")
        print(f"{path} has the line {line!r} now.")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _mark_unmerged(path: Path, stages: list[str]) -> None:
    """Tell git of a conflict as a merge does: the base, this side and the other one."""
    full = git("rev-parse", "--show-prefix").strip() + path.as_posix()
    mode = "100755" if path.stat().st_mode & 0o100 else "100644"
    rows = [f"{mode} {blob.strip()} {n}\t{full}\n" for n, blob in enumerate(stages, 1)]
    (git["update-index", "--index-info"] << "".join(rows))()


def run(migration: Callable[[Update], None]) -> None:
    """Take the steps of a migration as the command line says: the stage and the answers file."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("stage", choices=["before", "after"])
    parser.add_argument("answers_file", type=Path)
    given, _ = parser.parse_known_args()
    update = Update(given.stage, given.answers_file)
    if update.before:
        # A migration before this one may have rewritten the answers.
        changed = git("status", "--porcelain", "--", ".", f":(exclude){given.answers_file}")
        update.guard(not changed, f"Commit or stash your changes first:\n{changed}".rstrip())
    migration(update)
