"""A folder is a domain; no list names it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import apps
from config import domains


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the domains be those of an empty folder."""
    monkeypatch.setattr(domains, "APPS", tmp_path)
    monkeypatch.setattr(apps, "__path__", [str(tmp_path)])
    return tmp_path


@pytest.fixture
def domain(folder: Path) -> Iterator[Path]:
    """Return the folder of a new domain, which is unknown again afterwards."""
    yield package(folder, "discovered")
    for name in [name for name in sys.modules if name.startswith("apps.discovered")]:
        del sys.modules[name]


def package(folder: Path, name: str) -> Path:
    path = folder / name
    path.mkdir()
    (path / "__init__.py").write_text("")
    return path


def test_packages_are_domains(folder: Path) -> None:
    """They come sorted; a file, a plain folder and a cache are none."""
    for name in ("parcels", "orders"):
        package(folder, name)
    (folder / "__init__.py").write_text("")
    (folder / "notes").mkdir()
    assert domains.names() == ["apps.orders", "apps.parcels"]


def test_modules_are_imported_by_name(domain: Path) -> None:
    """Only the domains that have the module contribute it."""
    (domain / "urls.py").write_text("ROUTE = '/orders'\n")
    assert [module.ROUTE for module in domains.modules("urls")] == ["/orders"]
    assert list(domains.modules("tasks")) == []


def test_a_broken_module_is_not_passed_over(domain: Path) -> None:
    """A domain whose import fails stops the start, it does not vanish."""
    (domain / "broken.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(ModuleNotFoundError):
        list(domains.modules("broken"))
