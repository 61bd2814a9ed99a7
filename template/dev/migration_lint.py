"""Look in all migrations for what stops a busy table or the release that still runs.

`python dev/migration_lint.py` reads their SQL with squawk. What a migration does to a table that it
made itself is no danger. A line like `# allow ban-drop-column: 2.1 was the last to read it` in the
migration is a waiver.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from config import identity
from dev import migration_sql

# https://squawkhq.com/docs/rules explains each; its other rules are about taste.
DANGERS = {
    "adding-field-with-default",
    "adding-foreign-key-constraint",
    "adding-not-nullable-field",
    "adding-required-field",
    "ban-concurrent-index-creation-in-transaction",
    "ban-drop-column",
    "ban-drop-default",
    "ban-drop-table",
    "ban-truncate-cascade",
    "changing-column-type",
    "constraint-missing-not-valid",
    "disallowed-unique-constraint",
    "renaming-column",
    "renaming-table",
    "require-concurrent-index-creation",
    "require-concurrent-index-deletion",
    "syntax-error",
}
WAIVER = re.compile(r"# allow ([a-z-]+): \w")
MADE = re.compile(r'CREATE TABLE (?:IF NOT EXISTS )?"?([\w.]+)')
ABOUT = re.compile(
    r'(?:ALTER TABLE|CREATE (?:UNIQUE )?INDEX .*? ON) (?:ONLY )?"?([\w.]+)', re.DOTALL
)


def dangers(sql: str) -> dict[str, str]:
    """Return what is dangerous in a migration: sentences by the names of squawk's rules."""
    squawk = Path(sys.executable).with_name("squawk")
    command = [str(squawk), "--reporter", "json"]
    done = subprocess.run(command, input=_on_old_tables(sql), capture_output=True, text=True)
    found = {each["rule_name"]: each["message"] for each in json.loads(done.stdout)}
    return {rule: found[rule] for rule in sorted(DANGERS & found.keys())}


def _on_old_tables(sql: str) -> str:
    text = re.sub(r"^--.*\n?", "", sql, flags=re.MULTILINE)
    made = set(MADE.findall(text))
    statements = re.split(r"(?<=;)\s*\n", text)
    about = [(each, ABOUT.match(each.strip())) for each in statements]
    return "\n".join(each for each, found in about if not (found and found[1] in made))


def main() -> int:
    """Print each danger that is not waived, and return 1 when there is one."""
    failed = False
    for path, sql in migration_sql.statements():
        waived = WAIVER.findall(path.read_text())
        for rule, message in dangers(sql).items():
            if rule not in waived:
                failed = True
                print(f"{path.relative_to(identity.ROOT)}: {rule}: {message}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
