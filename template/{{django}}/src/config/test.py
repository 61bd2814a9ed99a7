"""Tests: the database is the one that is named, and passwords hash fast."""

from config.base import *  # noqa: F403 - a profile is the base with changes
from config.base import DATABASES

DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
