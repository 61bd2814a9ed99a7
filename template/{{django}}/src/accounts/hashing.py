"""How passwords are kept, and which are taken: what Django asks for."""

from threading import BoundedSemaphore

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ValidationError

from access.services import revoke_families
from accounts.models import User
from accounts.passwords import KIBIBYTES, LANES, PASSES, fault_of
from config.errors import FIELD_CODES

# Each keeps a processor busy, so there are few.
_places = BoundedSemaphore(4)


class PasswordHasher(Argon2PasswordHasher):
    """Argon2id with our parameters: Django's own take 100 MiB a hash."""

    time_cost, memory_cost, parallelism = PASSES, KIBIBYTES, LANES

    def encode(self, password: str, salt: str) -> str:
        """Return the hash of a password."""
        with _places:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Return whether the password has this hash."""
        with _places:
            return super().verify(password, encoded)


class PasswordValidator:
    """Has commands such as `createsuperuser` take what registration takes."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Refuse a password that is not good enough."""
        if code := fault_of(password, email=user.email if user else ""):
            raise ValidationError(FIELD_CODES[code], code=code)

    def password_changed(self, password: str, user: User | None = None) -> None:
        """End all logins: Django calls this wherever a password was changed."""
        if user is not None:
            revoke_families(user_id=user.pk)

    def get_help_text(self) -> str:
        """Return nothing: what is wrong with a password is said when it is."""
        return ""
