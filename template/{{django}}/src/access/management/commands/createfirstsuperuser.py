"""`manage.py createfirstsuperuser`."""

import structlog
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.passwords import fault_of
from config.environment import load
from config.errors import FIELD_CODES

log = structlog.stdlib.get_logger("accounts")


class Command(BaseCommand):
    """Makes the superuser of SUPERUSER_EMAIL and SUPERUSER_PASSWORD, once."""

    help = __doc__

    def handle(self, *_: object, **__: object) -> None:
        """Make it, or leave alone who is there."""
        settings = load()
        email = settings.superuser_email.lower()
        if settings.superuser_password is None:
            raise CommandError("set SUPERUSER_EMAIL and SUPERUSER_PASSWORD")
        password = settings.superuser_password.get_secret_value()
        if code := fault_of(password, email=email):
            raise CommandError(f"SUPERUSER_PASSWORD: {FIELD_CODES[code]}")
        if User.objects.filter(email=email).exists():
            log.info("superuser_exists")
        else:
            user = User.objects.create_superuser(email, password)
            log.info("superuser_created", user_id=str(user.pk))
