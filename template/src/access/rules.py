"""Six rules of permission, without a framework; `access.permissions` applies them.

Nobody who is unknown gets here: every route that is not public asks who it is first.
"""

import uuid
from collections.abc import Callable
from typing import Protocol


class Actor(Protocol):
    """Who asks."""

    @property
    def id(self) -> uuid.UUID:
        """Return the user's id."""

    @property
    def is_admin(self) -> bool:
        """Return whether the user looks after everybody's content."""

    @property
    def is_superuser(self) -> bool:
        """Return whether the user may do everything."""


# Who asks, whose it is (None: nobody's, or somebody's who left), and whether it is only read.
Rule = Callable[[Actor, uuid.UUID | None, bool], bool]


def authenticated(actor: Actor, owner_id: uuid.UUID | None, reads: bool) -> bool:
    """Return True: whoever is known may."""
    return True


def admin(actor: Actor, owner_id: uuid.UUID | None, reads: bool) -> bool:
    """Return whether an admin asks."""
    return actor.is_admin


def superuser(actor: Actor, owner_id: uuid.UUID | None, reads: bool) -> bool:
    """Return whether a superuser asks."""
    return actor.is_superuser


def owner(actor: Actor, owner_id: uuid.UUID | None, reads: bool) -> bool:
    """Return whether the owner asks."""
    return actor.id == owner_id


def owner_or_read_only(actor: Actor, owner_id: uuid.UUID | None, reads: bool) -> bool:
    """Return whether the owner asks, or somebody who only reads."""
    return reads or actor.id == owner_id


def owner_or_admin(actor: Actor, owner_id: uuid.UUID | None, reads: bool) -> bool:
    """Return whether the owner or an admin asks."""
    return actor.is_admin or actor.id == owner_id
