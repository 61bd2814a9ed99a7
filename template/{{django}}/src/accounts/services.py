"""What changes users."""

from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.models import update_last_login
from django.db import IntegrityError, transaction

from accounts import passwords, tokens
from accounts.errors import EmailTakenError, InvalidCredentialsError
from accounts.models import User
from config.errors import FieldError, ValidationFailedError
from config.models import change


def register_user(*, email: str, password: str, full_name: str = "") -> User:
    """Create and return a user.

    Raises:
        ValidationFailedError: the password is not good enough.
        EmailTakenError: somebody has the address.
    """
    if code := passwords.fault_of(password, email=email):
        raise ValidationFailedError([FieldError("#/password", code)])
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, full_name=full_name)
    except IntegrityError:
        raise EmailTakenError from None


def issue_token(*, email: str, password: str) -> tuple[str, int]:
    """Return an access token and its lifetime in seconds; renew a hash of weaker parameters.

    Raises:
        InvalidCredentialsError: they name nobody who may come in; it takes as long to find out.
    """
    user = authenticate(username=email, password=password)
    if not isinstance(user, User):
        raise InvalidCredentialsError
    update_last_login(None, user)  # type: ignore[arg-type]
    return tokens.issue(user.pk)


def update_user(*, user: User, **changes: Any) -> User:
    """Change and return the user."""
    return change(user, **changes)


def delete_user(*, user: User) -> None:
    """Delete the user; whoever wrote what must not go keeps the account (an integrity error)."""
    user.delete()
