"""The rules of `access.rules` in endpoints.

`dependencies=[IsAdmin]` of a route lets nobody else in. About one thing, which has an owner, an
endpoint asks `authorise(rules.owner_or_admin, request, user, thing.owner_id)`.
"""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Depends, Request

from access import rules, selectors
from accounts.authentication import CurrentUser
from accounts.models import User
from config.database import Session
from config.errors import ForbiddenError

READS = {"GET", "HEAD", "OPTIONS"}


def authorise(
    rule: rules.Rule, request: Request, user: User, owner_id: uuid.UUID | None = None
) -> None:
    """Let the user go on.

    Raises:
        ForbiddenError: the rule does not hold.
    """
    if not rule(user, owner_id, request.method in READS):
        raise ForbiddenError


def _required(rule: rules.Rule) -> Callable[..., Awaitable[None]]:
    async def check(request: Request, user: CurrentUser) -> None:
        authorise(rule, request, user)

    return check


def role_with(permission: str) -> Any:
    """Return the dependency that lets in admins, and users with a role that gives `permission`."""

    async def check(session: Session, user: CurrentUser) -> None:
        if not await selectors.may(session, user, permission):
            raise ForbiddenError

    return Depends(check)


IsAdmin = Depends(_required(rules.admin))
IsSuperuser = Depends(_required(rules.superuser))
