"""0.4.0: there are images, and a pipeline that can publish them."""

import steps


def migration(update: steps.Update) -> None:
    """Publish nothing unless somebody says so; there were no containers of another version."""
    update.keep_as_before(registry="none", python_version="3.12", postgres_version=18)


if __name__ == "__main__":
    steps.run(migration)
