"""A migration that would stop a busy table, or the release that still runs, is found before it."""

import shutil
import sys
from pathlib import Path

import pytest

from config import identity
from config.environment import load
from dev import migration_lint
from tests import planted
from tests.support import run

DANGEROUS = {
    "ALTER TABLE t ADD COLUMN a bigint NOT NULL;": "adding-required-field",
    "ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid() NOT NULL;": (
        "adding-field-with-default"
    ),
    "ALTER TABLE t ALTER COLUMN a SET NOT NULL;": "adding-not-nullable-field",
    "ALTER TABLE t ALTER COLUMN a DROP DEFAULT;": "ban-drop-default",
    'ALTER TABLE "t" DROP COLUMN "a" CASCADE;': "ban-drop-column",
    "DROP TABLE t CASCADE;": "ban-drop-table",
    "TRUNCATE t CASCADE;": "ban-truncate-cascade",
    "ALTER TABLE t RENAME COLUMN a TO b;": "renaming-column",
    "ALTER TABLE t RENAME TO u;": "renaming-table",
    "ALTER TABLE t ALTER COLUMN a TYPE text USING a::text;": "changing-column-type",
    "CREATE INDEX t_a_idx ON t (a);": "require-concurrent-index-creation",
    "DROP INDEX t_a_idx;": "require-concurrent-index-deletion",
    "BEGIN; CREATE INDEX CONCURRENTLY i ON t (a); COMMIT;": (
        "ban-concurrent-index-creation-in-transaction"
    ),
    "ALTER TABLE t ADD CONSTRAINT t_a_key UNIQUE (a);": "disallowed-unique-constraint",
    "ALTER TABLE t ADD CONSTRAINT t_a_check CHECK (a > 0);": "constraint-missing-not-valid",
    "ALTER TABLE t ADD CONSTRAINT t_a_fkey FOREIGN KEY (a) REFERENCES u (id);": (
        "adding-foreign-key-constraint"
    ),
    "ALTER TABEL t ADD COLUMN a bigint;": "syntax-error",
}
SAFE = [
    "ALTER TABLE t ADD COLUMN a bigint;",
    "ALTER TABLE t ADD COLUMN a bigint DEFAULT 0 NOT NULL;",
    "ALTER TABLE t ALTER COLUMN a DROP NOT NULL;",
    "CREATE INDEX CONCURRENTLY t_a_idx ON t (a);",
    "ALTER TABLE t ADD CONSTRAINT t_a_check CHECK (a > 0) NOT VALID;",
    "UPDATE t SET a = 0;",
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the service, to plant faults in."""
    ignored = shutil.ignore_patterns(".*", "__pycache__", "tests")
    return shutil.copytree(identity.ROOT, tmp_path / "service", ignore=ignored)


@pytest.mark.parametrize("sql", DANGEROUS)
def test_a_danger_is_found(sql: str) -> None:
    """Locks that block writes, scans under a lock, and what a running release still uses."""
    assert DANGEROUS[sql] in migration_lint.dangers(sql)


@pytest.mark.parametrize("sql", SAFE)
def test_what_is_safe_passes(sql: str) -> None:
    """The ways to expand a schema beside the release that runs."""
    assert migration_lint.dangers(sql) == {}


def test_a_table_that_was_just_made_is_nobody_s() -> None:
    """Whatever happens to it in its own migration; other tables stay what they are."""
    own = (
        'BEGIN;\n--\n-- Create model T\n--\nCREATE TABLE "t" ("a" bigint NOT NULL);\n'
        'ALTER TABLE "t" ADD CONSTRAINT "t_a_key" UNIQUE ("a");\n'
        'ALTER TABLE "t" ALTER COLUMN "a" TYPE text;\n'
        'ALTER TABLE "t" ADD CONSTRAINT "f" FOREIGN KEY ("a")\n    REFERENCES "u" ("id");\n'
        'CREATE UNIQUE INDEX "i" ON "t" ("a");\n'
    )
    assert migration_lint.dangers(f"{own}COMMIT;") == {}
    other = 'CREATE INDEX "i" ON "tt" ("a");\nCOMMIT;'
    assert list(migration_lint.dangers(own + other)) == ["require-concurrent-index-creation"]


def lint(project: Path) -> tuple[int, str]:
    """Return exit code and output of the command."""
    done = run(
        *(sys.executable, str(project / "dev" / "migration_lint.py")),
        environ={
            "ENVIRONMENT": "test",
            "DATABASE_URL": load().database,
            "REDIS_URL": load().redis,
        },
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.integration
def test_the_service_s_own_migrations_pass(project: Path, database: None) -> None:
    """Or say in a waiver why they may."""
    assert lint(project) == (0, "")


@pytest.mark.integration
def test_planted_faults_fail(project: Path, database: None) -> None:
    """A column without a default and the loss of one, each by its name; a reason waives one."""
    plant = planted.migrations(project, planted.NOT_NULL, planted.DROP_COLUMN)
    code, output = lint(project)
    assert code == 1
    found = [line.split(": ")[:2] for line in output.splitlines()]
    names = [str(path.relative_to(project)) for path in plant]
    assert sorted(found) == sorted(
        [[names[0], "adding-required-field"], [names[1], "ban-drop-column"]]
    )
    plant[0].write_text(plant[0].read_text() + "# allow adding-required-field: nobody writes it\n")
    plant[1].write_text(plant[1].read_text() + "# allow ban-drop-column:\n")
    code, output = lint(project)
    assert code == 1
    assert output.startswith(f"{names[1]}: ban-drop-column: ")
    assert output.count("\n") == 1
