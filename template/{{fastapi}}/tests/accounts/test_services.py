"""What holds between two requests that meet."""

import asyncio

import pytest

from accounts import services
from accounts.errors import EmailTakenError
from config import database as module
from tests.support import PASSWORD

pytestmark = pytest.mark.integration


async def test_of_two_registrations_at_once_one_wins(database: None) -> None:
    """The other one is told, though it looked before the first was there."""
    given = {"email": "ada@example.org", "password": PASSWORD}
    async with module.sessions()() as first, module.sessions()() as second:
        await services.register_user(first, **given)
        other = asyncio.create_task(services.register_user(second, **given))
        await asyncio.sleep(0.2)
        await first.commit()
        with pytest.raises(EmailTakenError):
            await other
    await module.engine().dispose()
