"""Servers that no wheel brings: they come with the machine."""

import os
import shutil

import pytest


def installed(program: str, package: str) -> str:
    """Return where a program is; without it a test is skipped, but fails where nobody looks."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        missing = f"{program} is missing, it is in Debian's package {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found
