"""A service passes its own checks at birth, and each check trips on the fault it is there for."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.service.conftest import plant
from tests.support import commit, git

Run = Callable[..., subprocess.CompletedProcess[str]]

# Put together here, so that this file trips no scanner itself.
ACCESS_KEY = "AKIA" + "Q3EGRIZ7XLPM2WTD"
PRIVATE_KEY = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEow\n"
PASSWORD = "pass" + 'word = "gT7#rW2vLq9ZkX4mBn"\n'

# What is planted, and the rule that finds it.
LINT_FAULTS = {
    "camel case": ('def countOrders() -> None:\n    """Count."""\n', "N802"),
    "import order": ("import sys\nimport os\n\nprint_to = (os, sys)\n", "I001"),
    "unused import": ("import os\n", "F401"),
    "breakpoint": ("breakpoint()\n", "T100"),
    "print": ('print("here")\n', "T201"),
    "unsafe load": ("import yaml\n\nLOADED = yaml.load(open)\n", "S506"),
    "shell": ('import subprocess\n\nsubprocess.run("ls", shell=True)\n', "S602"),
    "no docstring": ("def count() -> None:\n    pass\n", "D103"),
    "no module docstring": ("LIMIT = 3\n", "D100"),
    "swallowed failure": ("try:\n    LIMIT = 3\nexcept Exception:\n    pass\n", "BLE001"),
    "commented code": ("# limit = count(orders)\n", "ERA001"),
    "complexity": (
        'def many(x: int) -> int:\n    """Return x."""\n'
        + "".join(f"    if x == {i}:\n        return {i}\n" for i in range(11))
        + "    return x\n",
        "C901",
    ),
    "format": ('"""Limits."""\n\nLIMITS = [ 1,2 ]\n', "reformatted"),
    "domain imported": ('"""Wiring."""\n\nfrom apps import planted\n\nMINE = planted\n', "BROKEN"),
}

# For each hook a file that it refuses, and a word of what it says.
HOOK_FAULTS = {
    "ruff-check": ("src/config/planted.py", "import os\n", "F401"),
    "ruff-format": ("src/config/planted.py", '"""Limits."""\n\nLIMITS = [ 1,2 ]\n', "modified"),
    "mypy": ("src/config/planted.py", '"""A limit."""\n\nLIMIT: int = "three"\n', "assignment"),
    "detect-secrets": ("notes.txt", f"key {ACCESS_KEY}\n", "AWS Access Key"),
    "merge-conflicts": ("notes.txt", "<<<<<<< before updating\n", "conflict"),
    "rejected-hunks": ("notes.txt.rej", "@@ -1 +1 @@\n", "rejected"),
    "large-files": ("notes.txt", "x" * (513 * 1024), "512 KB"),
    "yaml": ("notes.yaml", "a: b: c\n", "mapping values"),
    "toml": ("notes.toml", "a = \n", "notes.toml"),
}


@pytest.mark.parametrize("target", ["lint", "types", "secrets", "secrets-history"])
def test_a_fresh_service_passes(
    run: Run, checkout: Path, environment: dict[str, str], target: str
) -> None:
    """Nobody starts with findings that are not theirs."""
    done = run("make", target, cwd=checkout, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_fresh_service_passes_its_hooks(
    run: Run, checkout: Path, environment: dict[str, str]
) -> None:
    """The first commit of everything goes through, and no hook changes a file."""
    done = run("uv", "run", "pre-commit", "run", "--all-files", cwd=checkout, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert git(checkout, "status", "--porcelain") == ""


@pytest.mark.parametrize("fault", LINT_FAULTS)
def test_lint_finds(run: Run, checkout: Path, environment: dict[str, str], fault: str) -> None:
    """One planted fault fails `make lint` by the name of its rule."""
    text, rule = LINT_FAULTS[fault]
    plant(checkout, "src/apps/planted/__init__.py", '"""A domain."""\n')
    plant(checkout, "src/config/planted.py", text)
    done = run("make", "lint", cwd=checkout, env=environment)
    assert done.returncode != 0
    assert rule in done.stdout + done.stderr


def test_types_finds_a_wrong_type(run: Run, checkout: Path, environment: dict[str, str]) -> None:
    """The code of the service is checked, not only parsed."""
    plant(checkout, "src/config/planted.py", '"""A limit."""\n\nLIMIT: int = "three"\n')
    done = run("make", "types", cwd=checkout, env=environment)
    assert done.returncode != 0
    assert "src/config/planted.py:3: error: Incompatible types" in done.stdout


def test_quality_finds_dead_code(run: Run, checkout: Path, environment: dict[str, str]) -> None:
    """A line that can never run fails `make quality`, which prints its figures."""
    figures = ["make", "-o", "lint", "-o", "types", "-o", "coverage", "quality"]
    done = run(*figures, cwd=checkout, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Dead code: none" in done.stdout
    assert "Most complex function (at most 10): " in done.stdout
    plant(checkout, "src/config/planted.py", "def f() -> int:\n    return 1\n    f()\n")
    done = run(*figures, cwd=checkout, env=environment)
    assert done.returncode != 0
    assert "unreachable code after 'return'" in done.stdout


@pytest.mark.scheduled
def test_its_tests_pass_side_by_side_in_any_order(
    run: Run, checkout: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """Two orders, each dealt out to four processes, end alike."""
    outcomes = []
    for seed in (1, 2):
        report = tmp_path / f"{seed}.xml"
        arguments = f"ARGS=-n 4 --randomly-seed={seed} --junit-xml={report}"
        done = run("make", "test", arguments, cwd=checkout, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"Using --randomly-seed={seed}\n" in done.stdout
        assert "created: 4/4 workers" in done.stdout
        cases = list(ElementTree.parse(report).iter("testcase"))  # noqa: S314 - our own
        outcomes.append({(c.get("classname"), c.get("name")): [e.tag for e in c] for c in cases})
        assert len(outcomes[-1]) == len(cases) > 100
    assert outcomes[0] == outcomes[1]


@pytest.mark.full
def test_coverage_has_a_floor(run: Run, checkout: Path, environment: dict[str, str]) -> None:
    """The tests of one package alone do not reach it; the report is written anyhow."""
    done = run("make", "coverage", "ARGS=tests/health", cwd=checkout, env=environment)
    assert done.returncode != 0
    assert "Required test coverage of" in done.stdout + done.stderr
    assert (checkout / "coverage.xml").exists()


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("notes.txt", f"key {ACCESS_KEY}\n", "AWS Access Key"),
        ("deploy.pem", PRIVATE_KEY, "Private Key"),
        ("src/config/planted.py", PASSWORD, "Secret Keyword"),
        ("settings.yaml", PASSWORD.replace(" =", ":"), "Secret Keyword"),
        ("fetch.sh", "curl https://me:gT7rW2vLq9ZkX4mBn@example.org\n", "Basic Auth"),
        ("src/config/planted.py", f'KEY = "{"9f86d081884c7d65" * 2}"\n', "Hex High Entropy"),
    ],
)
def test_secrets_finds(
    run: Run, checkout: Path, environment: dict[str, str], name: str, text: str, kind: str
) -> None:
    """`make secrets` fails and names kind and file, never the secret."""
    plant(checkout, name, text)
    done = run("make", "secrets", cwd=checkout, env=environment)
    assert done.returncode != 0
    assert kind in done.stdout
    assert name in done.stdout
    assert ACCESS_KEY not in done.stdout + done.stderr


def test_a_secret_that_was_deleted_again_is_found(
    run: Run, checkout: Path, environment: dict[str, str]
) -> None:
    """The key is two commits deep: the files are clean, the history names its commit."""
    (checkout / "notes.txt").write_text(f"key {ACCESS_KEY}\n")
    commit(checkout, "feat: leak")
    leak = git(checkout, "rev-parse", "--short", "HEAD")
    (checkout / "notes.txt").unlink()
    commit(checkout, "fix: delete")
    commit(checkout, "feat: go on")
    assert run("make", "secrets", cwd=checkout, env=environment).returncode == 0
    done = run("make", "secrets-history", cwd=checkout, env=environment)
    assert done.returncode != 0
    assert f"AWS Access Key in line 1 of notes.txt, first in commit {leak}" in done.stdout


def test_what_only_a_tag_holds_is_part_of_the_history(
    run: Run, checkout: Path, environment: dict[str, str]
) -> None:
    """The annotated tag of a release is no file, and a file without a commit is still read."""
    notes = checkout / "notes.txt"
    notes.write_text(f"key {ACCESS_KEY}\n")
    git(checkout, "tag", "--annotate", "v9.0.0", "--message", "v9.0.0")
    assert run("make", "secrets-history", cwd=checkout, env=environment).returncode == 0
    blob = git(checkout, "hash-object", "-w", "notes.txt")
    git(checkout, "tag", "notes", blob)
    done = run("make", "secrets-history", cwd=checkout, env=environment)
    assert done.returncode != 0
    assert f"AWS Access Key in line 1 of {blob}, which only a tag holds" in done.stdout


@pytest.mark.parametrize("hook", HOOK_FAULTS)
def test_hook_trips(run: Run, checkout: Path, environment: dict[str, str], hook: str) -> None:
    """Each hook refuses a commit with its fault, and says why."""
    name, text, word = HOOK_FAULTS[hook]
    plant(checkout, name, text)
    command = ["uv", "run", "pre-commit", "run", hook, "--all-files"]
    done = run(*command, cwd=checkout, env=environment)
    assert done.returncode == 1
    assert word in done.stdout


def test_every_hook_is_tripped_and_has_the_version_of_the_lock(rendered: Path) -> None:
    """A hook that fetches its own tool would drift from the CI, which runs from uv.lock."""
    loaded = yaml.safe_load((rendered / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repository in loaded["repos"] for hook in repository["hooks"]]
    assert [repository["repo"] for repository in loaded["repos"]] == ["local"]
    assert {hook["id"] for hook in hooks} == {*HOOK_FAULTS, "commit-message"}
    for hook in hooks:
        ours = hook["language"] == "system" and hook["entry"].startswith("uv run ")
        assert ours or hook["language"] in {"fail", "pygrep"}


def test_setup_installs_hooks_that_judge_the_message(
    run: Run, checkout: Path, environment: dict[str, str]
) -> None:
    """After `make setup` git refuses a message without a type, and takes one with it."""
    done = run("make", "setup", cwd=checkout, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    plant(checkout, "notes.txt", "Notes.\n")
    refused = run("git", "commit", "--message", "some notes", cwd=checkout, env=environment)
    assert refused.returncode != 0
    assert "commit message" in refused.stdout + refused.stderr
    taken = run("git", "commit", "--message", "docs: add notes", cwd=checkout, env=environment)
    assert taken.returncode == 0, taken.stdout + taken.stderr


@pytest.mark.parametrize(
    ("message", "status"),
    [
        ("feat: refuse an empty order\n\nWhy it is so.\n", 0),
        ("fix(orders)!: refuse an empty order\n", 0),
        ("Merge branch 'main' into orders\n", 0),
        ('Revert "feat: refuse an empty order"\n', 0),
        ("fixup! feat: refuse an empty order\n", 0),
        ("Refuse an empty order\n\nfeat: not in the first line\n", 1),
        ("feature: refuse an empty order\n", 1),
        ("feat:refuse an empty order\n", 1),
        ("feat: \n", 1),
    ],
)
def test_commit_message(
    run: Run, checkout: Path, environment: dict[str, str], tmp_path: Path, message: str, status: int
) -> None:
    """The first line is a conventional commit; what git itself writes passes."""
    (tmp_path / "message").write_text(message)
    command = ["uv", "run", "pre-commit", "run", "--hook-stage", "commit-msg"]
    file = ["--commit-msg-filename", str(tmp_path / "message")]
    done = run(*command, *file, cwd=checkout, env=environment)
    assert done.returncode == status, done.stdout


def test_without_uv_make_says_how_to_get_it(run: Run, checkout: Path, tmp_path: Path) -> None:
    """One sentence with the command, whatever was asked for; the help needs no uv."""
    for tool in ("make", "sh", "awk"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")
    bare = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    assert run("make", "help", cwd=checkout, env=bare).returncode == 0
    done = run("make", "lint", cwd=checkout, env=bare)
    assert done.returncode != 0
    assert "uv is missing, install it with: python3 -m venv" in done.stderr


def test_setup_works_outside_a_git_checkout(
    run: Run, clean: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """A folder that was only rendered can be set up."""
    folder = shutil.copytree(clean, tmp_path / "service", ignore=shutil.ignore_patterns(".git"))
    done = run("make", "setup", cwd=folder, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
