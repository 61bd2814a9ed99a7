"""Django's own check of what is about to go live."""

import re

import pytest

from tests.support import MANAGE, PRODUCTION, run

# They ask for HSTS on sub-domains and in browsers' lists, which only their owner can decide.
LEFT_TO_THE_OWNER = {"security.W005", "security.W021"}


@pytest.mark.security
def test_production_passes_the_check() -> None:
    """Nothing is left to warn of but what only the owner of the host name can decide."""
    done = run(*MANAGE, "check", "--deploy", environ=PRODUCTION)
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert set(re.findall(r"\b\w+\.[CEW]\d{3}\b", said)) == LEFT_TO_THE_OWNER, said
