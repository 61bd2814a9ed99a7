"""What comes in and goes out about profiles."""

from typing import Annotated

from pydantic import StringConstraints

from apps.profiles.policies import WEBSITE
from config.schemas import Input, Moment, Output
from config.validation import Text, Verbatim, written_as


class Profile(Output):
    """A profile; `updated_at` is null before it is first written."""

    bio: str
    website: str
    updated_at: Moment | None


class NewProfile(Input):
    """A profile to write."""

    bio: Annotated[Text, StringConstraints(max_length=2_000)] = ""
    website: Annotated[Verbatim, StringConstraints(max_length=200), written_as(f"({WEBSITE})?")] = (
        ""
    )
