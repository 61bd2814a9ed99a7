"""Roles and the permissions that each of them gives.

A domain adds its own in `ROLES` of `apps/<domain>/roles.py`. Who has which role is in the
database, and asked for at every request that needs a permission.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from config import domains
from config.errors import FieldError, ValidationFailedError

READ_USERS = "users.read"
ROLES = {"support": {READ_USERS}}


@lru_cache(maxsize=1)
def known() -> dict[str, frozenset[str]]:
    """Return the permissions of every role by its name; domains may add to a role of ours."""
    found: dict[str, frozenset[str]] = {}
    for roles in (ROLES, *(domain.ROLES for domain in domains.modules("roles"))):
        for name, permissions in roles.items():
            found[name] = found.get(name, frozenset()) | frozenset(permissions)
    return found


def gives(roles: Iterable[str], permission: str) -> bool:
    """Return whether one of the roles gives the permission; a role that is no more gives none."""
    return any(permission in known().get(role, ()) for role in roles)


def check_unique(names: Sequence[str]) -> None:
    """Refuse roles of which one is named twice.

    Raises:
        ValidationFailedError: it names each that was there before.
    """
    twice = [place for place, name in enumerate(names) if name in names[:place]]
    if twice:
        raise ValidationFailedError(FieldError(f"#/roles/{n}", "duplicate") for n in twice)
