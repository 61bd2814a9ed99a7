"""What is written about the variables is what the model says, and the code reads no others."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import entrypoint
from config import domains, environment, errors, identity, startup
from config.environment import ConfigurationError, Environment
from dev import reference
from tests import framework

SOURCE = identity.ROOT / "src"
EXAMPLE = identity.ROOT / ".env.example"
NAMES = {name.upper() for name in Environment.model_fields}
INTERNAL = {"SERVICE_ROLE", "SUPERVISOR_FD"}  # handed from our own process to its children
# Files that read variables by computed names, and why.
BY_COMPUTED_NAME = {
    "config/environment.py": "reads the model's fields, each also as <NAME>_FILE",
    "healthcheck.py": "reads PORT and BIND_HOST in the same way, with the standard library alone",
}


def example() -> dict[str, str]:
    """Return all rows of .env.example, also those that are commented out."""
    rows = re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", EXAMPLE.read_text(), flags=re.MULTILINE)
    assert len(rows) == len(dict(rows))
    return dict(rows)


def test_the_documents_are_up_to_date() -> None:
    """Run `make docs` where they are not; docs/openapi.json is born at the first `make setup`."""
    for path, text in reference.documents().items():
        if path.suffix != ".json" or path.exists():
            assert path.read_text() == text, f"{path.name}: run `make docs`"


def test_a_stale_document_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` fails and writes nothing; without it the document is written."""
    document = tmp_path / "errors.md"
    document.write_text("old")
    monkeypatch.setattr(identity, "ROOT", tmp_path)
    monkeypatch.setattr(reference, "documents", lambda: {document: "new"})
    monkeypatch.setattr(sys, "argv", ["reference.py", "--check"])
    assert reference.main() == 1
    assert document.read_text() == "old"
    assert "errors.md is not what the code says" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["reference.py"])
    assert reference.main() == 0
    assert document.read_text() == "new"


def test_every_code_is_documented() -> None:
    """The tables name all that a client may meet."""
    table = reference.codes()
    assert all(f"| `{code}` |" in table for code in errors.FIELD_CODES)
    assert all(f"| `{kind.code}` |" in table for kind in reference.kinds())
    for row in ("| 400 | `bad_request` |", "| 405 | `method_not_allowed` |"):
        assert row in table


def told(chapter: str) -> set[str]:
    """Return what the first cells of a chapter of docs/troubleshooting.md name."""
    text = (identity.ROOT / "docs" / "troubleshooting.md").read_text()
    chapter = text.partition(f"## {chapter}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \|", chapter, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row) or [row]}
    return {name for name in named if "…" not in name}  # a framework's own words


def events(path: Path) -> Iterator[str]:
    """Yield each event that a file logs above info, or ends with."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="warning" | "error" | "critical" | "exception"),
                args=[ast.Constant(value=str(event)), *_],
            ):
                yield event
            case ast.Call(
                func=ast.Name(id="end") | ast.Attribute(attr="end"),
                args=[_, ast.Constant(value=str(event)), *_],
            ):
                yield event


def test_every_failure_has_a_way_out() -> None:
    """Troubleshooting has a row for each exit code, error code and event, and for no other."""
    exits = {
        str(code)
        for module in (entrypoint, startup)
        for name, code in vars(module).items()
        if name.startswith("EXIT_")
    }
    assert told("Exit codes") - {"code"} == exits | {"0", "143"}
    codes = {kind.code for kind in reference.kinds()} | errors.FIELD_CODES.keys()
    assert told("Error codes") - {"code"} == codes
    ours = (path for path in SOURCE.rglob("*.py") if "apps" not in path.parts)
    found = {event for path in ours for event in events(path)} | {"request_finished"}
    assert told("Log events") - {"event"} == found


def test_the_reference_page_names_every_variable() -> None:
    """With type, default, when it is required, and whether it is secret."""
    rows = reference.rows()
    assert rows.keys() == NAMES
    assert rows["PORT"][:4] == ("integer, 1 to 65535", "8000", "", "")
    assert rows["SECRET_KEY"][:4] == ("text", "", "production", "yes")
    assert rows["DATABASE_URL"][2] == "always but in build"
    assert rows["ENVIRONMENT"][:3] == ("development or test or build or production", "", "always")
    assert all(meaning for *_, meaning in rows.values())


def test_the_example_has_the_variables_of_the_model() -> None:
    """All of them, but those that only our own processes set; a domain's are welcome too."""
    list(domains.modules("settings"))
    groups = environment.Settings.__subclasses__()
    known = {field.upper() for group in groups for field in group.model_fields}
    assert NAMES - INTERNAL <= example().keys() <= known - INTERNAL


def test_the_example_shows_the_defaults() -> None:
    """A row that is commented in without a change changes nothing in production."""
    expected = {name: row[1] for name, row in reference.rows().items() if name in example()}
    assert example() | {"ENVIRONMENT": ""} == expected


@pytest.mark.security
def test_the_example_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody goes live with a copy of it."""
    for name, value in (example() | {"ENVIRONMENT": "production"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        environment.load.__wrapped__()
    named = {problem.partition(":")[0] for problem in refused.value.problems}
    assert named >= {"SECRET_KEY", "JWT_SIGNING_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL"}


def reads(path: Path) -> Iterator[str | None]:
    """Yield each variable that a file reads; None where its name is computed."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Subscript(value=ast.Attribute(attr="environ"), slice=name):
                pass
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="environ"), attr="get" | "setdefault"),
                args=[name, *_],
            ):
                pass
            case ast.Call(func=ast.Attribute(attr="getenv"), args=[name, *_]):
                pass
            case _:
                continue
        yield str(name.value) if isinstance(name, ast.Constant) else None


def test_the_code_reads_no_other_variable() -> None:
    """Every setting is in the model, where it is typed, checked and documented."""
    found = {path.relative_to(SOURCE).as_posix(): set(reads(path)) for path in SOURCE.rglob("*.py")}
    assert any(found.values())
    groups = {
        field.upper()
        for group in environment.Settings.__subclasses__()
        for field in group.model_fields
    }
    for path, names in found.items():
        unknown = names - groups - framework.NOT_OURS.keys() - {None}
        assert not unknown, path
        assert None not in names or path in BY_COMPUTED_NAME, path
