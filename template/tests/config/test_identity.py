"""The service's one name."""

import re

from config import identity


def test_the_name_suits_keys_and_databases() -> None:
    """Lower-case letters, digits and hyphens; the version is that of pyproject.toml."""
    assert re.fullmatch(r"[a-z][a-z0-9-]*", identity.NAME)
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", identity.VERSION)
