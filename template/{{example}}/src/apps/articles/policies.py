"""Who may do what with articles and comments, and what becomes of an article's status.

Plain rules without a framework or a database; selectors say the same of whole lists in SQL.
"""

import uuid
from datetime import datetime
from typing import Literal, Protocol

Status = Literal["draft", "published"]
DRAFT: Status = "draft"
PUBLISHED: Status = "published"


class Actor(Protocol):
    """Who asks."""

    @property
    def id(self) -> uuid.UUID:
        """Return the user's id."""

    @property
    def is_admin(self) -> bool:
        """Return whether the user looks after everybody's content."""


def is_theirs(actor: Actor, owner_id: uuid.UUID | None) -> bool:
    """Return whether the actor may change what this user owns; None is a user who left."""
    return actor.is_admin or actor.id == owner_id


def may_see(actor: Actor, *, status: str, owner_id: uuid.UUID) -> bool:
    """Return whether the actor may know of an article: of others' drafts nobody but admins may."""
    return status == PUBLISHED or is_theirs(actor, owner_id)


def published_at(status: str, since: datetime | None, now: datetime) -> datetime | None:
    """Return the publication time of an article that gets this status and was out `since` then."""
    return (since or now) if status == PUBLISHED else None
