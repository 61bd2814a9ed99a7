"""What `manage.py` does with accounts."""

import structlog
from alembic.util.exc import CommandError

from access.services import delete_expired_families
from accounts import hashing, selectors
from accounts.models import User
from accounts.passwords import fault_of
from config.database import engine, sessions
from config.environment import Environment
from config.errors import FIELD_CODES

log = structlog.stdlib.get_logger("accounts")


async def create_first_superuser(settings: Environment) -> None:
    """Make the superuser of SUPERUSER_EMAIL and SUPERUSER_PASSWORD, or leave alone who is there.

    Raises:
        CommandError: they are not set, or the password is not good enough.
    """
    email = settings.superuser_email.lower()
    if settings.superuser_password is None:
        raise CommandError("set SUPERUSER_EMAIL and SUPERUSER_PASSWORD")
    password = settings.superuser_password.get_secret_value()
    if code := fault_of(password, email=email):
        raise CommandError(f"SUPERUSER_PASSWORD: {FIELD_CODES[code]}")
    async with sessions().begin() as session:
        if await selectors.find_user_by_email(session, email=email):
            log.info("superuser_exists")
        else:
            hashed = await hashing.make(password)
            user = User(email=email, password=hashed, is_staff=True, is_superuser=True)
            session.add(user)
            await session.flush()
            log.info("superuser_created", user_id=str(user.id))
    await engine().dispose()


async def purge_tokens() -> None:
    """Forget the logins whose tokens are all out of time."""
    async with sessions().begin() as session:
        log.info("tokens_purged", logins=await delete_expired_families(session))
    await engine().dispose()
