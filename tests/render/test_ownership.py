"""Every path of a service has one owner, and every pattern that says so is needed."""

import tomllib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from tests.support import ROOT, files
from tests.variants import VARIANTS

CLASSES: dict[str, list[str]] = tomllib.loads((ROOT / "ownership.toml").read_text())


def claims(pattern: str, path: Path) -> bool:
    """Tell whether a pattern of ownership.toml or CODEOWNERS stands for a path."""
    rooted = PurePosixPath("/", path)
    rule = "/" + pattern.lstrip("/")
    return str(rooted).startswith(rule) if rule.endswith("/") else rooted.match(rule)


def owners(path: Path) -> list[str]:
    """Return the classes that claim a path; none means that it is the team's."""
    return [name for name, paths in CLASSES.items() if any(claims(row, path) for row in paths)]


def idle(patterns: list[str], paths: list[Path]) -> list[str]:
    """Return the patterns that claim none of the paths."""
    return [row for row in patterns if not any(claims(row, path) for path in paths)]


def test_the_classes_are_the_documented_ones() -> None:
    """A further owner would need rules of its own for updates."""
    assert list(CLASSES) == ["template", "shared", "example"]


def test_each_rendered_path_has_exactly_one_owner(service: Path) -> None:
    """Whoever edits a file can know what the next update does with it."""
    assert {str(p): owners(p) for p in files(service) if len(owners(p)) != 1} == {}


def test_each_pattern_claims_something(services: Callable[[str], Path]) -> None:
    """A pattern that matches nothing is a leftover of a file that moved."""
    rendered = [path for variant in VARIANTS for path in files(services(variant))]
    assert [row for rows in CLASSES.values() for row in idle(rows, rendered)] == []


@pytest.mark.parametrize(
    "path",
    [
        "migrations/versions/0002_orders.py",
        "src/accounts/migrations/0002_user_phone.py",
        "src/apps/orders/models.py",
        "tests/apps/orders/test_services.py",
        "uv.lock",
    ],
)
def test_what_a_team_adds_is_the_teams(path: str) -> None:
    """The template never claims a domain, a team's migration or the lock file."""
    assert owners(Path(path)) == []


def test_each_codeowners_pattern_matches_a_file(service: Path) -> None:
    """A reviewer who is named for a path that does not exist is never asked."""
    assert idle(codeowners(service), list(files(service))) == []


def test_each_codeowners_pattern_of_this_repository_matches_a_file(template: Path) -> None:
    """The same holds for the template itself."""
    assert idle(codeowners(template), list(files(template))) == []


def codeowners(folder: Path) -> list[str]:
    """Return the patterns of a folder's CODEOWNERS, each of which names somebody."""
    rows = (folder / ".github" / "CODEOWNERS").read_text().splitlines()
    parts = [row.split() for row in rows if row and not row.startswith("#")]
    assert all(len(row) > 1 and row[1].startswith("@") for row in parts)
    return [row[0] for row in parts]
