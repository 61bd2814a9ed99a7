"""Which settings module Django reads: the one named like the profile."""

import os

from config.environment import Environment


def select(settings: Environment) -> None:
    """Point Django at `config.<profile>`, whatever the environment says."""
    os.environ["DJANGO_SETTINGS_MODULE"] = f"config.{settings.environment}"
