"""What comes in and goes out about accounts."""

import uuid
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from accounts import passwords
from config.schemas import Input, Moment, Output, omitted
from config.validation import Email, Text, Verbatim

FullName = Annotated[Text, StringConstraints(max_length=150)]
# The bounds are for the document: `accounts.passwords` judges.
NewPassword = Annotated[
    Verbatim,
    Field(json_schema_extra={"minLength": passwords.SHORTEST, "maxLength": passwords.LONGEST}),
]


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


class AccessToken(Output):
    """A token for the Authorization header, good for so many seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a word of the protocol
    expires_in: int
