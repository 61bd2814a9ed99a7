"""Golden services: what a team did to each release, frozen, is carried over by every later one.

`golden/<framework>-<release>.patch` is applied to the release; `….settled.patch` is what the team
did afterwards because the upgrade notes ask for it. docs/maintaining.md says how the next is made.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import release
from tests.harness.projects import find_uv, uv
from tests.support import ROOT, git
from tests.update import freeze, table
from tests.update.freeze import all_frozen, golden, settle
from tests.update.gate import GOLDEN, RELEASES, Gate, marked, unmerged
from tests.variants import FRAMEWORKS, VARIANTS

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]
FROZEN = [name for framework in FRAMEWORKS for name in all_frozen(framework)]
# They have the longest way to go.
OLDEST = [all_frozen(framework)[0] for framework in FRAMEWORKS]
CHECKS = [
    ["ruff", "check"],
    ["ruff", "format", "--check"],
    ["lint-imports", "--no-logo", "--no-cache"],
    ["mypy"],
]
TESTS = ["pytest", "-q", "-n", "2"]


def blocks(patch: str) -> Iterator[tuple[str, str, str]]:
    """Yield, for each place that a patch changes, the file, what goes and what comes."""
    for part in re.split(r"^diff --git ", patch, flags=re.MULTILINE)[1:]:
        name = part.splitlines()[0].partition(" b/")[2]
        body = part.partition("\n@@")[2]
        gone, come = [], []
        for line in [*body.splitlines(keepends=True), " "]:
            if line[0] == "-":
                gone.append(line[1:])
            elif line[0] == "+":
                come.append(line[1:])
            elif gone or come:
                yield name, "".join(gone), "".join(come)
                gone, come = [], []


def lost(service: Path, patch: str) -> list[str]:
    """Return what a patch brought and a service has no longer, or has again."""
    missing = []
    for name, gone, come in blocks(patch):
        text = (service / name).read_text() if (service / name).exists() else ""
        if come and come not in text:
            missing.append(f"{name} has lost {come}")
        if gone and not come and gone in text:
            missing.append(f"{name} has again {gone}")
    return missing


def carried(gate: Gate, frozen: str, folder: Path) -> Path:
    """Return a golden service, updated, and nothing of it lost."""
    service = golden(gate, frozen, folder / "service")
    gate.update(service)
    assert unmerged(service) == marked(service) == []
    assert lost(service, (GOLDEN / f"{frozen}.patch").read_text()) == []
    return service


def test_each_release_has_its_golden_services() -> None:
    """Whoever releases freezes what teams make of the release before (docs/maintaining.md)."""
    newest = f"v{max(release.versions((ROOT / 'CHANGELOG.md').read_text()))}"
    # Between two releases the last one's may still be missing.
    before = list(RELEASES)[: -1 if newest in RELEASES else None]
    assert {f"{framework}-{name}" for name in before for framework in FRAMEWORKS} <= set(FROZEN)


@pytest.mark.parametrize("frozen", FROZEN)
def test_a_golden_service_keeps_what_its_team_did(
    gate: Gate, frozen: str, tmp_path: Path, record_property: table.Record
) -> None:
    """Every hunk of the patch is in the updated service, and nothing has to be settled."""
    framework, born_at = frozen.split("-")
    table.note(record_property, born_at, framework, "golden")
    carried(gate, frozen, tmp_path)


def check(gate: Gate, frozen: str, *tests: str) -> None:
    """Check a golden service as its team does, once it has heeded the upgrade notes."""
    with tempfile.TemporaryDirectory(prefix="golden-") as name:
        Path(name).chmod(0o755)  # as root, PostgreSQL runs as a user who has to enter
        service = carried(gate, frozen, Path(name))
        settle(service, frozen)
        uv(service, "sync")
        environ = {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "PYTHONPATH": "src"}
        for command in (*CHECKS, [*TESTS, *tests]):
            done = subprocess.run(
                [find_uv(), "run", "--no-sync", *command],
                cwd=service,
                env=environ,
                check=False,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, f"{command}:\n{done.stdout[-6000:]}{done.stderr[-2000:]}"


@pytest.mark.parametrize("frozen", OLDEST)
def test_the_oldest_golden_services_pass_their_own_checks(gate: Gate, frozen: str) -> None:
    """Lint, types, and the tests of the team's domains."""
    check(gate, frozen, "tests/apps")


@pytest.mark.scheduled
@pytest.mark.parametrize("frozen", FROZEN)
def test_a_golden_service_passes_its_own_checks(gate: Gate, frozen: str) -> None:
    """Lint, types, and all tests, the team's own and the template's."""
    check(gate, frozen)


def test_the_next_golden_service_follows_from_the_last(gate: Gate, tmp_path: Path) -> None:
    """What is frozen of a release is the service of the one before, updated; it carries over."""
    before, after = list(RELEASES)[-2:]
    patch = freeze.freeze(gate, f"fastapi-{before}", after, tmp_path / "next")
    service = gate.born(after, dict(VARIANTS["fastapi"]), tmp_path / "service")
    (tmp_path / "patch").write_text(patch)
    git(service, "apply", str(tmp_path / "patch"))
    assert lost(service, (GOLDEN / f"fastapi-{before}.patch").read_text()) == []
