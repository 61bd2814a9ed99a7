"""Git tags from CHANGELOG.md, the ledger of releases.

A version is the commit on `main` that first adds its heading `## 1.2.3 (2026-01-31)`; its tag is
`v1.2.3`. The same history gives the same tags in every clone: `nox -s tags` makes them, the release
workflow pushes them, and tests that need an old version make them in a clone.
"""

import re
import subprocess
import sys
from pathlib import Path

from packaging.version import InvalidVersion, Version

HEADING = re.compile(r"^## (?!Unreleased$)(.+?)(?: \(\d{4}-\d\d-\d\d\))?$", re.MULTILINE)


class ReleaseError(Exception):
    """The changelog and the repository contradict each other; the message says where."""


def git(repository: Path, *arguments: str) -> str:
    """Return what git prints; raises `subprocess.CalledProcessError` where it fails."""
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def versions(changelog: str) -> list[Version]:
    """Return the versions that a changelog has headings for, newest first as they stand there."""
    found = []
    for heading in HEADING.findall(changelog):
        try:
            version = Version(heading)
        except InvalidVersion:
            raise ReleaseError(f"'{heading}' in CHANGELOG.md is no PEP 440 version.") from None
        if str(version) != heading:
            raise ReleaseError(f"Write '{heading}' in CHANGELOG.md as '{version}'.")
        found.append(version)
    if found != sorted(found, reverse=True):
        raise ReleaseError("CHANGELOG.md does not have its newest version first.")
    return found


def derived(repository: Path, branch: str = "main") -> dict[str, str]:
    """Return the commit of each tag, oldest release first."""
    log = ["log", "--first-parent", "--reverse", "--format=%H", branch, "--", "CHANGELOG.md"]
    history = git(repository, *log)
    tags: dict[str, str] = {}
    for commit in history.split():
        for version in reversed(versions(git(repository, "show", f"{commit}:CHANGELOG.md"))):
            tags.setdefault(f"v{version}", commit)
    return tags


def existing(repository: Path) -> dict[str, str]:
    """Return the commit of each version tag that the repository has."""
    names = git(repository, "tag", "--list", "v[0-9]*").split()
    return {name: git(repository, "rev-parse", f"{name}^{{commit}}").strip() for name in names}


def tag(repository: Path, branch: str = "main") -> list[str]:
    """Make the tags that are missing and return their names; a tag is never moved."""
    wanted, present = derived(repository, branch), existing(repository)
    for name, commit in present.items():
        if wanted.get(name) != commit:
            belongs = f"belongs to {wanted[name][:12]}" if name in wanted else "has no heading"
            raise ReleaseError(f"{name} is at {commit[:12]}, but in CHANGELOG.md it {belongs}.")
    missing = [name for name in wanted if name not in present]
    for name in missing:
        git(repository, "tag", name, wanted[name])
    return missing


def main() -> int:
    """Tag the repository of the current folder and print what was made."""
    try:
        made = tag(Path())
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(made) or "Every release has its tag.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
