"""Development: error pages with details come from DEBUG, which the profile turns on."""

from config.base import *  # noqa: F403 - a profile is the base with changes
