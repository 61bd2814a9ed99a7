"""A profile goes with its user, whoever deletes it: a rule of the database."""

from django.db import migrations

# allow adding-foreign-key-constraint: the migration before made the tables, they are empty
# allow constraint-missing-not-valid: the same

CHANGE = (
    "ALTER TABLE profiles_profile DROP CONSTRAINT %s,"
    " ADD CONSTRAINT %s FOREIGN KEY (user_id) REFERENCES accounts_user (id) %s"
)
THEIRS, OURS = (
    "profiles_profile_user_id_a3e81f91_fk_accounts_user_id",
    "profiles_profile_user_id_fkey",
)


class Migration(migrations.Migration):
    dependencies = [("profiles", "0001_initial")]

    operations = [
        migrations.RunSQL(
            CHANGE % (THEIRS, OURS, "ON DELETE CASCADE"),
            CHANGE % (OURS, THEIRS, "DEFERRABLE INITIALLY DEFERRED"),
        )
    ]
