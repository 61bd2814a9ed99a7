"""0.2.0: an example domain can be had; the test of the migrations is one of the whole service."""

import steps


def migration(update: steps.Update) -> None:
    """Bring no example to whoever did not ask for one, and keep edits of the test."""
    update.keep_as_before(example_domain=False)
    update.move("tests/accounts/test_migrations.py", "tests/test_migrations.py")


if __name__ == "__main__":
    steps.run(migration)
