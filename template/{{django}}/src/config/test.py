"""Tests: the database is the one that is named."""

from config.base import *  # noqa: F403 - a profile is the base with changes
from config.base import DATABASES

DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}
