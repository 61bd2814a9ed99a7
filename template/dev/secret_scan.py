"""Look for secrets in the files that a commit would hold, or with `--history` in every commit."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ".secrets.baseline"


def main(arguments: list[str]) -> int:
    """Print every finding that the baseline does not know, and return 1 when there is one."""
    baseline = json.loads((ROOT / BASELINE).read_text())
    known = {secret["hashed_secret"] for found in baseline["results"].values() for secret in found}
    count = 0
    with transient_settings(baseline):
        for path, name, blob in history() if "--history" in arguments else work_tree():
            for secret in scan_file(str(path)):
                if secret.secret_hash not in known:
                    count += 1
                    where = f"{name}, {holder(blob)}" if blob else name
                    print(f"{secret.type} in line {secret.line_number} of {where}")
    print(f"{count} secrets: SECURITY.md says what to do." if count else "No secrets found.")
    return 1 if count else 0


def work_tree() -> Iterator[tuple[Path, str, str]]:
    """Yield path, name and "" for each file that is tracked or would be added."""
    for name in git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if name and name != BASELINE:
            yield ROOT / name, name, ""


def history() -> Iterator[tuple[Path, str, str]]:
    """Yield path (of a copy), name and blob for each version of each file ever committed."""
    if git("rev-parse", "--is-shallow-repository").strip() == "true":
        sys.exit("This clone lacks older commits: run `git fetch --unshallow` first.")
    with tempfile.TemporaryDirectory() as folder:
        # Commits and tags are what `--all` provides: the second filter leaves them out as well.
        only = ("--filter=object:type=blob", "--filter-provided-objects")
        for row in git("rev-list", "--all", "--objects", *only).splitlines():
            blob, _, name = row.partition(" ")
            if name != BASELINE:
                # The scanner tells some formats by the name. What only a tag holds has none.
                copy = Path(folder) / Path(name or blob).name
                copy.write_bytes(run("cat-file", "blob", blob))
                yield copy, name or blob, blob
                copy.unlink()


def holder(blob: str) -> str:
    """Return what brought this version of a file: mostly a commit, by its short name."""
    commits = git("log", "--all", "--format=%h", "--find-object", blob).split()
    return f"first in commit {commits[-1]}" if commits else "which only a tag holds"


def git(*arguments: str) -> str:
    """Return what git prints, as text."""
    return run(*arguments).decode(errors="surrogateescape")


def run(*arguments: str) -> bytes:
    """Return what git prints, or end with git's own complaint."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        sys.exit("The scan asks git which files count: install git, and run `git init` here first.")
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.decode(errors="replace").strip())
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
