"""Every release of the template, and services born from them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.update.gate import RELEASES, Gate, clone
from tests.variants import VARIANTS

Born = Callable[..., Path]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `born_at` once for each release; between the ends of them weekly."""
    if "born_at" in metafunc.fixturenames:
        oldest, *between, newest = RELEASES
        weekly = [pytest.param(name, marks=pytest.mark.scheduled) for name in between]
        metafunc.parametrize("born_at", [oldest, *weekly, newest], scope="session")


@pytest.fixture(scope="session", autouse=True)
def _no_question_for_each_file() -> Iterator[None]:
    """Spare a process per rendered file: Copier asks git each time whether it ignores modes."""
    with pytest.MonkeyPatch.context() as patch:
        name = "copier._main.Worker._sync_git_index_executable_bit"
        patch.setattr(name, lambda *_: None, raising=False)
        yield


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone with the tags of all releases, and the working tree as `NEWEST`."""
    return clone(tmp_path_factory.mktemp("history") / "prodstarter")


@pytest.fixture(scope="session")
def gate(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """Return the gate to the working tree. Its renders are only to be read."""
    return Gate(history, tmp_path_factory.mktemp("gate"))


@pytest.fixture
def born(gate: Gate, tmp_path: Path, framework: str, born_at: str) -> Born:
    """Return a function that makes a committed service of a release."""

    def born(**answers: object) -> Path:
        return gate.born(born_at, VARIANTS[framework] | answers, tmp_path / "service")

    return born
