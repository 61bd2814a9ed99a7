"""`manage.py purgetokens`."""

import structlog
from django.core.management.base import BaseCommand

from access import services

log = structlog.stdlib.get_logger("accounts")


class Command(BaseCommand):
    """Forgets the logins whose tokens are all out of time."""

    help = __doc__

    def handle(self, *_: object, **__: object) -> None:
        """Delete them, and log how many."""
        log.info("tokens_purged", logins=services.delete_expired_families())
