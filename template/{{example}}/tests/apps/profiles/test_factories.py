"""The factory of profiles makes whole ones."""

import pytest

from tests.apps.profiles.factories import ProfileFactory
from tests.support import Execute, Make

pytestmark = pytest.mark.integration


def test_it_makes_what_the_database_takes(make: Make, execute: Execute) -> None:
    """However often, each of a user of its own."""
    users = {make(ProfileFactory).user.id for _ in range(30)}
    assert {found for (found,) in execute("SELECT user_id FROM profiles_profile")} == users
    assert len(users) == 30
