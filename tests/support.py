"""What several tests need: a released copy of the working tree, git, and the text of copier.yml."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
# Names the environment that we run in, to uv as well; a service has its own.
OWN_ENVIRONMENT = ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON")

# A tester's own configuration must not decide whether a commit works.
GIT_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.org",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.org",
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "commit.gpgsign",
    "GIT_CONFIG_VALUE_0": "false",
    "GIT_CONFIG_KEY_1": "init.defaultBranch",
    "GIT_CONFIG_VALUE_1": "main",
}


def git(folder: Path, *arguments: str) -> str:
    """Return what git prints in `folder`; a failing git fails the test with its own words."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | GIT_ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(folder: Path, message: str = "change", tag: str = "") -> None:
    """Commit everything in `folder`, which becomes a repository if it is none, and tag it."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    if tag:
        git(folder, "tag", tag)


def working_tree() -> list[Path]:
    """Return the files of this repository, those that are not committed yet included."""
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return sorted(Path(name) for name in set(listed.split("\0")) if (ROOT / name).is_file())


def snapshot(target: Path, tag: str) -> Path:
    """Copy the working tree into a repository with one tag."""
    for path in working_tree():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target / path, follow_symlinks=False)
    commit(target, "release", tag)
    return target


def files(folder: Path) -> Iterator[Path]:
    """Yield the path, relative to `folder`, of each file below it but git's own, in order."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if relative.parts[0] != ".git" and not path.is_dir():
            yield relative


def configuration() -> dict[str, Any]:
    """Return copier.yml."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text())
    return loaded


def questions() -> dict[str, dict[str, Any]]:
    """Return the questions of copier.yml whose answers are stored, in order."""
    return stored(configuration())


def stored(configuration: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the questions whose answers are stored; a choice that has a validator is its value."""
    found: dict[str, dict[str, Any]] = {}
    for name, details in configuration.items():
        if not name.startswith("_") and details.get("when", True) is not False:
            found[name] = {**details}
            if isinstance(choices := details.get("choices"), dict):
                found[name]["choices"] = {
                    text: each["value"] if isinstance(each, dict) else each
                    for text, each in choices.items()
                }
    return found


def readme_commands(readme: str) -> list[str]:
    """Return the text of each `sh` block: the commands that a reader runs as they are."""
    return re.findall(r"^```sh\n(.*?)\n```$", readme, flags=re.MULTILINE | re.DOTALL)
