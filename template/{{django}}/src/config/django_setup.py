"""Which settings module Django reads: the one named like the profile."""

import os

from config.environment import Environment


def select(settings: Environment) -> None:
    """Point Django at `config.<profile>`, unless a test runner or linter already did."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"config.{settings.environment}")
