"""Migrations with faults, which a test plants in a copy of the service."""

from pathlib import Path

NOT_NULL = """\
    operations = [migrations.AddField("order", "amount", models.BigIntegerField())]
"""
DROP_COLUMN = """\
    operations = [migrations.RemoveField("order", "number")]
"""
IRREVERSIBLE = """\
    operations = [migrations.RunPython(lambda apps, editor: None)]
"""
FIRST = """\
    initial = True
    operations = [
        migrations.CreateModel(
            "Order",
            [("id", models.UUIDField(primary_key=True)), ("number", models.BigIntegerField())],
        ),
    ]
"""


def migrations(project: Path, *operations: str) -> list[Path]:
    """Add a domain with a table, and these migrations of it; return their files."""
    folder = project / "src" / "apps" / "planted" / "migrations"
    folder.mkdir(parents=True)
    for package in (folder, folder.parent):
        (package / "__init__.py").write_text("")
    files, before = [], '("accounts", "__first__")'
    for number, body in enumerate([FIRST, *operations], 1):
        path = folder / f"000{number}_planted.py"
        path.write_text(
            "from django.db import migrations, models\n\n\n"
            "class Migration(migrations.Migration):\n"
            f"    dependencies = [{before}]\n{body}"
        )
        files.append(path)
        before = f'("planted", "{path.stem}")'
    return files[1:]
