"""Build: for linters, type checkers and image builds; needs no variable and serves nothing."""

import os

os.environ.setdefault("ENVIRONMENT", "build")

from config import assets as assets  # its check is for `collectstatic`
from config.base import *  # noqa: F403 - after the profile is chosen
