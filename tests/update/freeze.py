"""Freeze the golden services of a release: `uv run python -m tests.update.freeze v0.5.0 FOLDER`.

Makes them in FOLDER of those of the release before, and writes their patches. Then do in FOLDER
what a team would do with what is new, and run it again: services that are there are only frozen.
"""

import sys
from pathlib import Path

from packaging.version import Version

from tests.support import ROOT, commit, git
from tests.update.gate import ANSWERS, GOLDEN, Gate, answers, update
from tests.variants import FRAMEWORKS, VARIANTS


def all_frozen(framework: str) -> list[str]:
    """Return the names of a framework's golden services, the oldest first."""
    names = [path.name.removesuffix(".patch") for path in GOLDEN.glob(f"{framework}-*[0-9].patch")]
    return sorted(names, key=lambda name: Version(name.partition("-")[2]))


def golden(gate: Gate, frozen: str, target: Path) -> Path:
    """Return the golden service of a framework and release, as its team left it."""
    framework, born_at = frozen.split("-")
    service = gate.born(born_at, dict(VARIANTS[framework]), target)
    git(service, "apply", str(GOLDEN / f"{frozen}.patch"))
    commit(service, "feat: the team's work")
    return service


def settle(service: Path, frozen: str) -> None:
    """Do in an updated service what the upgrade notes ask for, and commit."""
    asked = GOLDEN / f"{frozen}.settled.patch"
    if asked.exists():
        git(service, "apply", str(asked))
    commit(service, "chore: update from the template")


def freeze(gate: Gate, frozen: str, release: str, service: Path) -> str:
    """Return the patch of the next release; the service is made if it is not there."""
    if not service.exists():
        golden(gate, frozen, service)
        update(service, release)
        settle(service, frozen)
    commit(service, "feat: what is new")
    start = gate.folder / f"{frozen}-{release}"
    if not start.exists():
        gate.born(release, answers(service), start)
    git(service, "fetch", "--quiet", str(start), "HEAD")
    return git(service, "diff", "FETCH_HEAD", "HEAD", "--", ".", f":!{ANSWERS}", ":!uv.lock") + "\n"


def main(release: str, folder: Path) -> None:
    """Freeze the services of both frameworks."""
    gate = Gate(ROOT, folder / "renders")
    for framework in FRAMEWORKS:
        before = [name for name in all_frozen(framework) if not name.endswith(release)][-1]
        patch = freeze(gate, before, release, folder / framework)
        (GOLDEN / f"{framework}-{release}.patch").write_text(patch)
        print(f"{folder / framework} is frozen.")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
