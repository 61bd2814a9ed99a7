"""Fixtures shared by all tests of the template."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_copie.plugin import Copie, Result

from tests.harness.scheduling import pytest_xdist_make_scheduler
from tests.support import OWN_ENVIRONMENT, questions, snapshot
from tests.update.table import pytest_terminal_summary
from tests.variants import FRAMEWORKS, VARIANTS, Answers

__all__ = ["pytest_terminal_summary", "pytest_xdist_make_scheduler"]

VERSION = "v1.2.3"

Render = Callable[[Answers], Result]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let one framework be chosen, as `nox -s "service(django)"` does."""
    parser.addoption("--framework", choices=FRAMEWORKS, help="only tests of this framework")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `framework` or `variant` once for each, its id being the name."""
    chosen = metafunc.config.getoption("--framework")
    if "framework" in metafunc.fixturenames:
        names = [name for name in FRAMEWORKS if chosen in (None, name)]
        metafunc.parametrize("framework", names, scope="session")
    if "variant" in metafunc.fixturenames:
        names = [name for name, given in VARIANTS.items() if chosen in (None, given["framework"])]
        metafunc.parametrize("variant", names, scope="session")


@pytest.fixture(scope="session", autouse=True)
def _nobodys_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep a tester's own Copier settings, which may answer questions, out of the renders.

    And the environment that the tests run in out of the services: theirs is `.venv`. nox names
    its own to uv as well, and a service's `uv sync` would install into it.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in OWN_ENVIRONMENT:
            patch.delenv(name, raising=False)
        empty = tmp_path_factory.mktemp("settings") / "settings.yml"
        empty.write_text("{}\n")
        patch.setenv("COPIER_SETTINGS_PATH", str(empty))
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository that holds the working tree as release `VERSION`. Only to be read."""
    return snapshot(tmp_path_factory.mktemp("template"), VERSION)


@pytest.fixture
def own_template(tmp_path: Path) -> Path:
    """Return the same as `template`, for a test that changes it."""
    return snapshot(tmp_path / "template", VERSION)


@pytest.fixture(scope="session")
def render(copie_session: Copie, template: Path) -> Render:
    """Return a function that renders the given answers and tells what came of it."""

    def rendered(answers: Answers) -> Result:
        assert answers.keys() <= questions().keys(), "Copier ignores an answer nobody asks for"
        return copie_session.copy(answers, template_dir=template)

    return rendered


@pytest.fixture(scope="session")
def services(render: Render) -> Callable[[str], Path]:
    """Return a function that gives the rendered service of a variant. Only to be read."""
    made: dict[str, Path] = {}

    def service(variant: str) -> Path:
        if variant not in made:
            result = render(VARIANTS[variant])
            assert result.project_dir, result.exception
            made[variant] = result.project_dir
        return made[variant]

    return service


@pytest.fixture(scope="session")
def service(services: Callable[[str], Path], variant: str) -> Path:
    """Return the rendered service of each variant in turn. Only to be read."""
    return services(variant)
