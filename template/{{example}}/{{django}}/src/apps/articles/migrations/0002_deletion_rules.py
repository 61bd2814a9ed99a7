"""What becomes of rows whose owner goes, as rules of the database and under its own names.

Django keeps such rules to itself, where no other client of the database meets them.
"""

from django.db import migrations

# allow adding-foreign-key-constraint: the migration before made the tables, they are empty
# allow constraint-missing-not-valid: the same

# Table, column, table referred to, rule, and the end of the name that Django gave the constraint.
RULES = [
    ("article", "author_id", "accounts_user", "RESTRICT", "059aea7d_fk_accounts_user_id"),
    ("articletag", "article_id", "articles_article", "CASCADE", "b6f1ce82_fk_articles_article_id"),
    ("articletag", "tag_id", "articles_tag", "RESTRICT", "9d44613b_fk_articles_tag_id"),
    ("comment", "article_id", "articles_article", "CASCADE", "59ff1409_fk_articles_article_id"),
    ("comment", "author_id", "accounts_user", "SET NULL", "0524a063_fk_accounts_user_id"),
    ("comment", "parent_id", "articles_comment", "CASCADE", "4a4b0b82_fk_articles_comment_id"),
]


def replace(table: str, column: str, owner: str, rule: str, suffix: str) -> migrations.RunSQL:
    theirs, ours = f"{table}_{column}_{suffix}", f"{table}_{column}_fkey"
    key = f"FOREIGN KEY ({column}) REFERENCES {owner} (id)"
    change = f"ALTER TABLE {table} DROP CONSTRAINT %s, ADD CONSTRAINT %s {key} %s"
    return migrations.RunSQL(
        change % (theirs, ours, f"ON DELETE {rule}"),
        change % (ours, theirs, "DEFERRABLE INITIALLY DEFERRED"),
    )


class Migration(migrations.Migration):
    dependencies = [("articles", "0001_initial")]

    operations = [replace(f"articles_{table}", *rule) for table, *rule in RULES]
