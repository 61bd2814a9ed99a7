"""docs/upgrade.md of a service, typed as it stands, in a service of the release before."""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import copier
import pytest
import yaml

from tests.harness.projects import uv
from tests.readme.script import script, typed
from tests.support import commit, git
from tests.update.gate import NEWEST, RELEASES
from tests.variants import VARIANTS

pytestmark = pytest.mark.timeout(900)
NEXT = "v10000"
DOMAIN = {
    "src/apps/orders/__init__.py": '"""Orders."""\n',
    "src/apps/orders/errors.py": '"""What can be expected to fail about orders."""\n',
}


def chapter(guide: str, title: str) -> str:
    """Return what stands below a heading, up to the next one."""
    return re.split(r"^##+ ", guide.partition(f" {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def edit(service: Path) -> None:
    """Do what teams do: a domain, a chapter of a document, a dependency; and commit it."""
    for path, text in DOMAIN.items():
        (service / path).parent.mkdir(parents=True, exist_ok=True)
        (service / path).write_text(text)
    readme, project = service / "README.md", service / "pyproject.toml"
    readme.write_text(readme.read_text() + "\n## Our own chapter\n\nWritten by the team.\n")
    text = project.read_text()
    assert '    "structlog>' in text
    project.write_text(text.replace('    "structlog>', '    "httpx>=0.28,<1",\n    "structlog>'))
    commit(service, "feat: the team's work")


def assert_took_in(service: Path, release: str) -> None:
    """Check that a release and the team's work are committed, and the lock file is of both."""
    assert f"_commit: {release}" in (service / ".copier-answers.yml").read_text()
    assert "Written by the team." in (service / "README.md").read_text()
    assert all((service / path).read_text() == text for path, text in DOMAIN.items())
    assert 'name = "httpx"' in (service / "uv.lock").read_text().splitlines()
    uv(service, "lock", "--check", "--offline")
    assert git(service, "status", "--short") == ""
    assert git(service, "log", "-1", "--format=%s %D").endswith("HEAD -> update-template")


@pytest.fixture(scope="session")
def future(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the history with one more release, which changes a little and adds a dependency."""
    clone = tmp_path_factory.mktemp("future") / "prodstarter"
    git(history, "clone", "--quiet", str(history), str(clone))
    for name, old, new in (
        ("CHANGELOG.md", "## 0.1.0", f"## {NEXT[1:]} (2027-01-01)\n\nOf the future.\n\n## 0.1.0"),
        ("template/Makefile", "`make` lists", "Typing `make` lists"),
        (
            "template/pyproject.toml.jinja",
            "artifacts = [",
            'artifacts = [\n    "colorama>=0.4,<1",',
        ),
    ):
        text = (clone / name).read_text()
        assert old in text
        (clone / name).write_text(text.replace(old, new, 1))
    commit(clone, "next", tag=NEXT)
    return clone


@pytest.fixture
def made() -> Iterator[Callable[..., Path]]:
    """Yield a function that makes a committed service, in a folder that every user can enter."""
    with tempfile.TemporaryDirectory(prefix="upgrade-") as name:
        Path(name).chmod(0o755)

        def make(template: Path, framework: str, release: str) -> Path:
            service = Path(name) / "demo"
            copier.run_copy(
                str(template), service, data=VARIANTS[framework], vcs_ref=release,
                defaults=True, unsafe=True, quiet=True,
            )  # fmt: skip
            commit(service)
            return service

        yield make


@pytest.fixture
def service(made: Callable[..., Path], history: Path, framework: str) -> Path:
    """Return a committed service of the release before."""
    return made(history, framework, list(RELEASES)[-1])


@pytest.mark.full
def test_the_guide_brings_in_this_release(
    services: Callable[[str], Path], framework: str, service: Path
) -> None:
    """Every command succeeds, and what is committed at the end has the team's work in it."""
    edit(service)
    guide = (services(framework) / "docs" / "upgrade.md").read_text()
    commands = script(chapter(guide, "From before 0.5.0"))
    if framework == "fastapi":  # its checks take two minutes, and one framework's are enough
        commands = commands.replace("update-finish\n", "update-finish ARGS=--no-checks\n")
    typed(commands, service, service.parent / "log")
    assert_took_in(service, NEWEST)


@pytest.mark.full
def test_the_guide_goes_on_from_this_release(
    services: Callable[[str], Path], made: Callable[..., Path], future: Path
) -> None:
    """What `make update` did is taken back by the guide's undo, and done again for good."""
    service = made(future, "django", NEWEST)
    edit(service)
    guide = (services("django") / "docs" / "upgrade.md").read_text()
    update, undo = (script(chapter(guide, title)) for title in ("The template", "Undo it"))
    # Its checks take a minute: the test of the other chapter waits for them.
    update = update.replace("make update\n", "make update ARGS=--no-checks\n")
    trial, log = update.partition("git add")[0], service.parent / "log"
    said = typed(trial, service, log)
    assert said.count("Of the future.") == 2
    assert "Nobody has to decide anything" in said
    assert git(service, "status", "--short") != ""
    typed(undo, service, log)
    # These two `make setup` writes where nobody has committed them.
    assert git(service, "status", "--short") == "?? docs/openapi.json\n?? uv.lock"
    git(service, "clean", "--quiet", "--force")
    git(service, "switch", "--quiet", "main")
    git(service, "branch", "--quiet", "--delete", "update-template")
    typed(update, service, log)
    assert_took_in(service, NEXT)
    assert "Typing `make` lists" in (service / "Makefile").read_text()
    other = script(chapter(guide, "Another answer")).replace('90"', '90 --no-checks"')
    typed(other, service, log)
    assert "fail_under = 90" in (service / "pyproject.toml").read_text()
    assert 'name = "colorama"' in (service / "uv.lock").read_text().splitlines()


@pytest.mark.full
def test_the_weekly_workflow_proposes_what_an_update_brings(
    made: Callable[..., Path], future: Path
) -> None:
    """One job updates and makes a patch, which the other applies to a checkout of its own."""
    service = made(future, "fastapi", NEWEST)
    edit(service)
    folder = service.parent
    other = folder / "other"
    git(folder, "clone", "--quiet", str(service), str(other))
    jobs = yaml.safe_load((service / ".github/workflows/template.yml").read_text())["jobs"]
    runs = {job: [step["run"] for step in jobs[job]["steps"] if "run" in step] for job in jobs}
    runner = {"RUNNER_TEMP": str(folder), "GITHUB_OUTPUT": str(folder / "output")}
    for run in runs["update"]:
        typed(run, service, folder / "log", **runner)
    (folder / "update").mkdir()
    for name in ("notes.md", "update.patch"):  # where the other job downloads them to
        shutil.copy(folder / name, folder / "update")
    typed(runs["pull-request"][0], other, folder / "log", **runner)
    assert "updated=true" in (folder / "output").read_text()
    assert "Of the future." in (folder / "notes.md").read_text()
    assert git(other, "write-tree") == git(service, "write-tree")
    assert f"_commit: {NEXT}" in (other / ".copier-answers.yml").read_text()
    assert 'name = "httpx"' in (other / "uv.lock").read_text().splitlines()


def test_a_conflict_looks_as_the_guide_says(
    history: Path, services: Callable[[str], Path], framework: str, service: Path
) -> None:
    """Git names the file; in it the team's lines stand first, between the markers that are told."""
    name = "README.md"  # whose badges differ in any two releases
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
