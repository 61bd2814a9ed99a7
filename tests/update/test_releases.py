"""Every earlier release updates to this one, keeps what a team did, and stays what it was."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import copier
import pytest
import yaml
from packaging.version import Version

from tests.support import ROOT, commit, git
from tests.update.conftest import NEWEST, Born

MARKERS = ("<<<<<<<", ">>>>>>>")
OWN = {
    "src/apps/orders/__init__.py": '"""Orders."""\n',
    "src/apps/orders/errors.py": '"""What can be expected to fail about orders."""\n',
    "tests/apps/orders/test_errors.py": "def test_nothing() -> None: ...\n",
    "docs/handbook.md": "# Ours\n",
    "local.mk": "ours:\n\techo ours\n",
}


def update(service: Path, **data: object) -> None:
    """Update a service as `copier update --defaults --trust` does, and commit."""
    copier.run_update(
        service, data=data, vcs_ref=NEWEST, defaults=True, unsafe=True, overwrite=True, quiet=True
    )
    commit(service, "update")


def answers(service: Path) -> dict[str, Any]:
    """Return the recorded answers."""
    loaded: dict[str, Any] = yaml.safe_load((service / ".copier-answers.yml").read_text())
    return loaded


def assert_is_fresh(
    service: Path, history: Path, folder: Path, lacking: Sequence[str] = ()
) -> None:
    """Check that a service has the bytes of a fresh render of its answers, and no other file."""
    fresh = folder / "fresh"
    data = {name: value for name, value in answers(service).items() if name[0] != "_"}
    copier.run_copy(
        str(history), fresh, data=data, vcs_ref=NEWEST, defaults=True, unsafe=True, quiet=True
    )
    for path in lacking:
        (fresh / path).unlink()
    commit(fresh)
    git(service, "fetch", "--quiet", str(fresh), "main")
    assert git(service, "diff", "--stat", "HEAD", "FETCH_HEAD") == ""


def test_an_untouched_service_becomes_what_a_new_one_is(
    born: Born, history: Path, tmp_path: Path
) -> None:
    """Byte for byte, under the answers that the update recorded."""
    service = born()
    update(service)
    assert answers(service)["_commit"] == NEWEST
    assert_is_fresh(service, history, tmp_path)


def test_a_service_gets_no_example_that_it_was_not_asked_about(born: Born, born_at: str) -> None:
    """A question that is newer than a service is answered as the service is."""
    service = born()
    before = {path.name for path in (service / "src" / "apps").iterdir()}
    update(service)
    assert {path.name for path in (service / "src" / "apps").iterdir()} == before
    assert answers(service)["example_domain"] is (born_at != "v0.1.0")


def test_a_service_is_published_only_if_somebody_says_so(born: Born, born_at: str) -> None:
    """A service that is older than the question has a pipeline that publishes nothing."""
    service = born()
    update(service)
    known = Version(born_at) >= Version("0.4.0")
    assert answers(service)["registry"] == ("ghcr" if known else "none")
    assert answers(service)["customise"] is not known
    assert (service / ".github" / "workflows" / "deploy.yml").exists() is known


def test_what_a_team_did_survives(born: Born) -> None:
    """Own files are untouched, edits of shared files are merged, deletions stay."""
    service = born()
    for name, text in OWN.items():
        (service / name).parent.mkdir(parents=True, exist_ok=True)
        (service / name).write_text(text)
    readme = service / "README.md"
    readme.write_text(readme.read_text() + "\n## Our own chapter\n\nWritten by the team.\n")
    project = service / "pyproject.toml"
    text = project.read_text()
    assert "    # Each row" not in text
    project.write_text(text.replace('    "structlog>', '    "httpx>=0.28,<1",\n    "structlog>'))
    makefile = service / "Makefile"
    makefile.write_text(makefile.read_text().replace("rm -rf .data", "rm -rf .data .ours"))
    (service / "CONTRIBUTING.md").unlink()
    commit(service, "the team's work")
    update(service)
    for name, text in OWN.items():
        assert (service / name).read_text() == text
    assert "Written by the team." in readme.read_text()
    assert '    "httpx>=0.28,<1",\n' in project.read_text()
    assert "rm -rf .data .ours" in makefile.read_text()
    assert not (service / "CONTRIBUTING.md").exists()
    for path in git(service, "ls-files").split("\n"):
        assert not path.endswith(".rej")
        assert not any(mark in (service / path).read_text() for mark in MARKERS), path


def test_the_example_can_be_had_later(
    born: Born, framework: str, history: Path, tmp_path: Path
) -> None:
    """One answer brings it in, but for a migration that may have to follow the team's own."""
    service = born(example_domain=False)
    update(service, example_domain=True)
    assert (service / "src" / "apps" / "articles" / "services.py").is_file()
    left = ["migrations/versions/0002_articles.py"] if framework == "fastapi" else []
    assert_is_fresh(service, history, tmp_path, lacking=left)


def test_the_step_before_the_merge_changes_nothing_twice(born: Born) -> None:
    """Whoever repeats an update that stopped half-way finds the same answers."""
    service = born()
    step = [sys.executable, str(ROOT / "extensions" / "migrations.py"), "keep-as-before"]
    command = [*step, ".copier-answers.yml", "example_domain=false"]
    subprocess.run(command, cwd=service, check=True, capture_output=True)
    once = (service / ".copier-answers.yml").read_bytes()
    done = subprocess.run(command, cwd=service, check=True, capture_output=True)
    assert (service / ".copier-answers.yml").read_bytes() == once
    assert done.stdout == b""


def test_an_update_without_trust_changes_nothing(born: Born) -> None:
    """Copier says what it needs, and leaves the service as it was."""
    service = born()
    with pytest.raises(copier.errors.UnsafeTemplateError, match="unsafe"):
        copier.run_update(service, vcs_ref=NEWEST, defaults=True, overwrite=True, quiet=True)
    assert git(service, "status", "--short") == ""
