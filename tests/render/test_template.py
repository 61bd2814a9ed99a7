"""How the files of template/ are written: layers, few conditions, answers compared in one place."""

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

from tests.support import ROOT, configuration, working_tree

TEMPLATE = ROOT / "template"

# Conditional rows of several options meet in these; any other file belongs to one layer.
REGISTRIES = re.compile(
    r"(pyproject\.toml|compose\.yaml|\.env\.example|Dockerfile|Makefile|README\.md|src/config/base\.py)"
    r"\.jinja"
)
MAX_STATEMENTS = 12
FILES = [Path(*path.parts[1:]) for path in working_tree() if path.parts[0] == "template"]
TEMPLATED = [path for path in FILES if path.suffix == ".jinja"]
ANSWERS = {name for name in configuration() if not name.startswith("_")}
LAYER = re.compile(r"\{\{(\w+)\}\}")


@cache
def parsed(path: Path) -> nodes.Template:
    """Return the syntax tree of a template file, read as copier.yml says."""
    options = configuration()["_envops"]
    environment = jinja2.Environment(  # noqa: S701 - what is rendered is no HTML
        line_statement_prefix=options["line_statement_prefix"],
        extensions=["jinja2_time.TimeExtension"],
    )
    return environment.parse((TEMPLATE / path).read_text())


def statements(node: nodes.Node, depth: int = 1) -> Iterator[tuple[nodes.Stmt, int]]:
    """Yield each statement below a node with its depth; an `elif` stands beside its `if`."""
    for child in node.iter_child_nodes():
        counted = isinstance(child, nodes.Stmt) and not isinstance(child, nodes.Output)
        if counted:
            assert isinstance(child, nodes.Stmt)
            beside = isinstance(node, nodes.If) and child in node.elif_
            yield child, depth - beside
        yield from statements(child, depth + counted)


@pytest.mark.parametrize("path", TEMPLATED, ids=str)
def test_a_file_is_read_without_a_stack_of_conditions(path: Path) -> None:
    """Outside the registries: no condition within a condition, and at most twelve statements."""
    found = list(statements(parsed(path)))
    if not REGISTRIES.fullmatch(str(path)):
        assert len(found) <= MAX_STATEMENTS
        assert all(depth == 1 for _, depth in found)


@pytest.mark.parametrize("path", TEMPLATED, ids=str)
def test_answers_are_compared_only_in_copier_yml(path: Path) -> None:
    """A file says `if celery`: what makes it true is written once."""
    for comparison in parsed(path).find_all(nodes.Compare):
        names = {name.name for name in comparison.find_all(nodes.Name)}
        assert not names & ANSWERS, f"line {comparison.lineno}"


@pytest.mark.parametrize("path", TEMPLATED, ids=str)
def test_a_suffix_is_worn_only_where_it_is_needed(path: Path) -> None:
    """A file that uses no answer stays plain, so that every tool reads it."""
    tree = parsed(path)
    assert any(True for _ in tree.find_all((nodes.Name, nodes.Stmt))) or path.name in NESTED


# Git would take this for its own and hide files of template/ from it.
NESTED = {".gitignore.jinja"}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_a_folder_in_braces_is_one_layer(path: Path) -> None:
    """A conditional name is the whole name of a folder and the name of a computed answer."""
    for part in path.parts[:-1]:
        if "{" in part:
            layer = LAYER.fullmatch(part)
            assert layer, part
            assert configuration()[layer[1]]["when"] is False
            assert configuration()[layer[1]]["default"].startswith("{{ '.' if ")
    assert "{" not in path.name or path == Path("{{_copier_conf.answers_file}}.jinja")
    assert '"' not in str(path)


def test_each_layer_has_a_folder() -> None:
    """An answer that folds nothing in is a leftover."""
    computed = configuration()
    layers = {name for name in computed if "'.' if" in str(computed[name])}
    used = {name for path in FILES for name in LAYER.findall(str(path.parent))}
    assert layers == used


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_module_hides_one_of_the_standard_library(path: Path) -> None:
    """`src/` is an import root: a package named `platform` there broke a server's start."""

    parts = [part for part in path.parts if not LAYER.fullmatch(part)]
    if parts[0] == "src" and len(parts) > 1:
        assert parts[1].split(".")[0] not in sys.stdlib_module_names
