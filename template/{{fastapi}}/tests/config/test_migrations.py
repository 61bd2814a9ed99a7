"""The team's history and the template's keep out of each other's way."""

import shutil
from pathlib import Path

import pytest

from config import identity
from dev import migration_sql
from tests.test_migrations import command

pytestmark = pytest.mark.integration


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the service, to change models in."""
    ignored = shutil.ignore_patterns(".*", "__pycache__", "tests")
    return shutil.copytree(identity.ROOT, tmp_path / "service", ignore=ignored)


def made(project: Path, database: str) -> list[str]:
    """Return the text of the migrations that `makemigrations` writes."""
    versions = project / "migrations" / "versions"
    before = set(versions.glob("*.py"))
    done = command(project, database, "makemigrations", "--name", "changed")
    assert done.returncode == 0, done.stdout + done.stderr
    return [path.read_text() for path in set(versions.glob("*.py")) - before]


def test_a_migration_of_the_team_s_is_about_its_own_tables(
    scratch_database: str, project: Path
) -> None:
    """Whatever the template's models say, and whatever tables of its own are there or not."""
    assert command(project, scratch_database, "migrate").returncode == 0
    assert made(project, scratch_database) == []
    for package, length in (("accounts", 150), ("access", 50)):
        models = project / "src" / package / "models.py"
        models.write_text(models.read_text().replace(str(length), str(length + 1)))
    (text,) = made(project, scratch_database)
    assert "accounts_user" in text
    assert "access_" not in text


def test_both_are_linted() -> None:
    """What the template does to its tables is looked at like all else."""
    linted = {path.relative_to(identity.ROOT).parts[0] for path, _ in migration_sql.statements()}
    assert linted == {"migrations", "src"}
