"""Every release of the template, and services born from them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import copier
import pytest

import release
from tests.support import ROOT, commit, git, working_tree
from tests.variants import VARIANTS

NEWEST = "v9999"
Born = Callable[..., Path]


def _releases() -> list[str]:
    return list(release.derived(ROOT, "HEAD"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `born_at` once for each release."""
    if "born_at" in metafunc.fixturenames:
        metafunc.parametrize("born_at", _releases(), scope="session")


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone with the tags of all releases, and the working tree as `NEWEST`."""
    clone = tmp_path_factory.mktemp("history") / "prodstarter"
    git(ROOT, "clone", "--quiet", str(ROOT), str(clone))
    git(clone, "checkout", "--quiet", "-B", "main")
    for name in git(clone, "tag", "--list").split():
        git(clone, "tag", "--delete", name)
    assert release.tag(clone) == _releases()
    git(clone, "rm", "--quiet", "-r", ".")
    for path in working_tree():
        (clone / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, clone / path, follow_symlinks=False)
    commit(clone, "newest", tag=NEWEST)
    return clone


@pytest.fixture
def born(history: Path, tmp_path: Path, framework: str, born_at: str) -> Born:
    """Return a function that makes a committed service of a release."""

    def born(**answers: object) -> Path:
        service = tmp_path / "service"
        copier.run_copy(
            str(history), service, data=VARIANTS[framework] | answers, vcs_ref=born_at,
            defaults=True, unsafe=True, quiet=True,
        )  # fmt: skip
        commit(service)
        return service

    return born
