"""Production: what the environment model refuses never gets here."""

from config.base import *  # noqa: F403 - a profile is the base with changes
