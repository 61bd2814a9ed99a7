"""What comes in and goes out about accounts."""

import uuid
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from access.roles import known
from accounts import passwords
from config.schemas import Input, Moment, Output, omitted
from config.validation import Email, Text, Verbatim, fault

FullName = Annotated[Text, StringConstraints(max_length=150)]
# The bounds are for the document: `accounts.passwords` judges.
NewPassword = Annotated[
    Verbatim,
    Field(json_schema_extra={"minLength": passwords.SHORTEST, "maxLength": passwords.LONGEST}),
]


def _known(role: str) -> str:
    if role not in known():
        raise fault("invalid_choice")
    return role


class User(Output):
    """A user, as they see themselves."""

    id: uuid.UUID
    email: str
    full_name: str
    created_at: Moment


class NewUser(Input):
    """Who registers."""

    email: Email
    password: NewPassword
    full_name: FullName = ""


class UserChanges(Input):
    """What a user changes."""

    full_name: FullName = omitted()


class Credentials(Input):
    """Who logs in."""

    email: Annotated[Verbatim, StringConstraints(max_length=254)]
    password: Annotated[Verbatim, StringConstraints(max_length=passwords.LONGEST)]


class RefreshToken(Input):
    """A refresh token; whatever is wrong with it is told in one way."""

    refresh_token: Annotated[Verbatim, StringConstraints(max_length=2000)]


class PasswordChange(Input):
    """A change of one's password."""

    current_password: Annotated[Verbatim, StringConstraints(max_length=passwords.LONGEST)]
    new_password: NewPassword


class Tokens(Output):
    """What a login gets; lifetimes are in seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a word of the protocol
    expires_in: int
    refresh_token: str
    refresh_expires_in: int


class Account(Output):
    """A user, as admins see it."""

    id: uuid.UUID
    email: str
    full_name: str
    is_active: bool
    roles: list[str]
    created_at: Moment


class AccountChanges(Input):
    """What admins change of a user."""

    is_active: bool = omitted()


class Roles(Input):
    """The roles that a user is to have."""

    roles: list[Annotated[str, AfterValidator(_known)]]
