"""docs/owasp.md names controls that exist and tests that prove them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ROOT

ROW = re.compile(r"^\| (A\d\d) .*$", re.MULTILINE)
RISKS = {f"A{number:02}" for number in range(1, 11)} | {f"API{number}" for number in range(1, 11)}


@pytest.fixture
def document(service: Path) -> str:
    """Return the document of each variant in turn."""
    return (service / "docs" / "owasp.md").read_text()


@pytest.fixture
def rows(document: str) -> dict[str, str]:
    """Return the rows of the first table by the ids of their risks."""
    table = document.partition("\n## ")[0]
    return {found[1]: found[0] for found in ROW.finditer(table)}


def proofs(row: str) -> list[tuple[Path, str]]:
    """Return path and name of each test that a row names."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", row)
    return [(Path(path), name) for path, name in named]


def functions(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield the name of each function of a file, and whether `pytest -m security` runs it."""
    tree = ast.parse(path.read_text())
    marks = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign)]
    all_are = any(mark.startswith("pytestmark") and ".mark.security" in mark for mark in marks)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            own = [ast.unparse(decorator) for decorator in node.decorator_list]
            yield node.name, all_are or "pytest.mark.security" in own


def test_each_risk_is_named(document: str, rows: dict[str, str]) -> None:
    """Those of the web have a row each; those of APIs stand beside one or in the second table."""
    assert rows.keys() == {risk for risk in RISKS if risk.startswith("A0") or risk == "A10"}
    assert set(re.findall(r"\bA(?:PI)?\d+\b", document)) == RISKS


def test_each_risk_has_controls_of_the_changelog(rows: dict[str, str]) -> None:
    """An id that no release defines would promise nothing."""
    defined = set(re.findall(r"^- \*\*(PS-\d{3})\*\* ", (ROOT / "CHANGELOG.md").read_text(), re.M))
    for risk, row in rows.items():
        named = set(re.findall(r"PS-\d+", row))
        assert named, risk
        assert named <= defined, f"{risk}: {sorted(named - defined)}"


def test_each_risk_has_tests_of_the_service(service: Path, rows: dict[str, str]) -> None:
    """Each that is named is there, and one of a row at least runs with `pytest -m security`."""
    for risk, row in rows.items():
        named = proofs(row)
        assert len(named) == row.count("::") > 0, risk
        found = {path: dict(functions(service / path)) for path, _ in named}
        lost = [f"{path}::{name}" for path, name in named if name not in found[path]]
        assert lost == [], risk
        assert any(found[path][name] for path, name in named), risk
