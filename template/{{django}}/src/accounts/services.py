"""What changes users."""

from typing import Any

from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction
from django.utils import timezone

from access import services as access
from access.roles import check_unique
from accounts import passwords
from accounts.errors import EmailTakenError, InvalidCredentialsError
from accounts.models import User
from accounts.tokens import Tokens
from config.errors import FieldError, ForbiddenError, ValidationFailedError
from config.models import change
from observability import metrics


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


def log_in(*, email: str, password: str) -> Tokens:
    """Return the tokens of a new login; renew a hash of weaker parameters.

    Raises:
        InvalidCredentialsError: they name nobody who may come in; it takes as long to find out.
    """
    user = authenticate(username=email, password=password)
    if not isinstance(user, User) or not _noted(user):
        metrics.auth_failures.labels("credentials").inc()
        raise InvalidCredentialsError
    return access.begin_family(user=user)


def _noted(user: User) -> bool:
    # Whoever changes the password or shuts the user out meanwhile ends the logins that are there,
    # not one that follows.
    same = User.objects.filter(pk=user.pk, password=user.password, is_active=True)
    return bool(same.update(last_login=timezone.now()))


def change_password(*, user: User, current_password: str, new_password: str) -> None:
    """Change the password, and end all logins of the user.

    Raises:
        ValidationFailedError: the current one is wrong, or the new one not good enough.
    """
    faults = []
    if not user.check_password(current_password):
        faults.append(FieldError("#/current_password", "wrong_password"))
    if code := passwords.fault_of(new_password, email=user.email):
        faults.append(FieldError("#/new_password", code))
    if faults:
        raise ValidationFailedError(faults)
    user.set_password(new_password)
    change(user, password=user.password)  # `accounts.hashing.PasswordValidator` ends the logins


def set_active(*, actor: User, user: User, is_active: bool | None = None) -> User:
    """Let a user in, or out: then all logins end.

    Raises:
        ForbiddenError: it is a superuser, and the actor is none.
    """
    _protect(actor, user)
    if is_active is None:
        return user
    change(user, is_active=is_active)  # first: a login that goes on meanwhile waits for the row
    if not is_active:
        access.revoke_families(user_id=user.pk)
    return user


def replace_roles(*, actor: User, user: User, roles: list[str]) -> User:
    """Give a user these roles and no others.

    Raises:
        ValidationFailedError: a role is given twice.
        ForbiddenError: it is a superuser, and the actor is none.
    """
    check_unique(roles)
    _protect(actor, user)
    access.replace_roles(user=user, names=roles)
    return user


def _protect(actor: User, user: User) -> None:
    if user.is_superuser and not actor.is_superuser:
        raise ForbiddenError


def update_user(*, user: User, **changes: Any) -> User:
    """Change and return the user."""
    return change(user, **changes)


def delete_user(*, user: User) -> None:
    """Delete the user; whoever wrote what must not go keeps the account (an integrity error)."""
    user.delete()
