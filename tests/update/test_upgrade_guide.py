"""docs/upgrade.md of a service, typed as it stands, in a service of the release before."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import copier
import pytest

import release
from tests.readme.script import script, typed
from tests.support import ROOT, commit, git
from tests.update.conftest import NEWEST
from tests.variants import VARIANTS

pytestmark = pytest.mark.timeout(900)
DOMAIN = {
    "src/apps/orders/__init__.py": '"""Orders."""\n',
    "src/apps/orders/errors.py": '"""What can be expected to fail about orders."""\n',
}


def release_before() -> str:
    """Return the newest release that is older than the working tree."""
    head = git(ROOT, "rev-parse", "HEAD")
    return [tag for tag, at in release.derived(ROOT, "HEAD").items() if at != head][-1]


@pytest.fixture
def service(history: Path, framework: str) -> Iterator[Path]:
    """Yield a committed service of the release before, in a folder that every user can enter."""
    with tempfile.TemporaryDirectory(prefix="upgrade-") as name:
        Path(name).chmod(0o755)
        made = Path(name) / "demo"
        copier.run_copy(
            str(history), made, data=VARIANTS[framework], vcs_ref=release_before(),
            defaults=True, unsafe=True, quiet=True,
        )  # fmt: skip
        commit(made)
        yield made


@pytest.mark.full
def test_the_guide_brings_in_this_release(
    services: Callable[[str], Path], framework: str, service: Path
) -> None:
    """Every command succeeds, and what is committed at the end has the team's work in it."""
    for path, text in DOMAIN.items():
        (service / path).parent.mkdir(parents=True, exist_ok=True)
        (service / path).write_text(text)
    readme = service / "README.md"
    readme.write_text(readme.read_text() + "\n## Our own chapter\n\nWritten by the team.\n")
    commit(service, "feat: the team's work")
    guide = (services(framework) / "docs" / "upgrade.md").read_text()
    typed(script(guide), service, service.parent / "log")
    assert NEWEST in (service / ".copier-answers.yml").read_text()
    assert "Written by the team." in readme.read_text()
    assert all((service / path).read_text() == text for path, text in DOMAIN.items())
    assert git(service, "status", "--short") == ""
    assert git(service, "log", "-1", "--format=%s %D").endswith("HEAD -> update-template")


def test_a_conflict_looks_as_the_guide_says(
    history: Path, services: Callable[[str], Path], framework: str, service: Path
) -> None:
    """Git names the file; in it the team's lines stand first, between the markers that are told."""
    name = "docs/tutorial.md"
    theirs, ours = (services(framework) / name).read_text(), (service / name).read_text()
    line = next(line for line in ours.splitlines() if line and line not in theirs)
    (service / name).write_text(ours.replace(line, "What the team says."))
    commit(service, "docs: what the team says")
    copier.run_update(
        service, vcs_ref=NEWEST, defaults=True, unsafe=True, overwrite=True, quiet=True
    )
    assert git(service, "diff", "--name-only", "--diff-filter=U") == name
    guide = (services(framework) / "docs" / "upgrade.md").read_text()
    assert "Between the marker *before updating* and the row of equals signs stands what" in guide
    before = (service / name).read_text().partition("<<<<<<< before updating")[2]
    assert "What the team says." in before.partition("=======")[0]
