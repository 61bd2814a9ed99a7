"""Discovery of domains: a package below `src/apps` is one, nothing else names it."""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

APPS = Path(__file__).resolve().parents[1] / "apps"


def names() -> list[str]:
    """Return the import paths of all domains, sorted, for example `apps.orders`."""
    return sorted(f"apps.{path.parent.name}" for path in APPS.glob("*/__init__.py"))


def modules(name: str) -> Iterator[ModuleType]:
    """Import and yield the module `name` of every domain that has one."""
    for domain in names():
        if find_spec(f"{domain}.{name}") is not None:
            yield import_module(f"{domain}.{name}")
