"""Bases of what comes in and of what goes out."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


Moment = Annotated[
    datetime, PlainSerializer(_written), WithJsonSchema({"type": "string", "format": "date-time"})
]


class Input(BaseModel):
    """Base of bodies: no field is ignored, and no value taken for one of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _names(cls, data: object) -> object:
        # A name may hold half of a surrogate pair, at which validation would end.
        if isinstance(data, dict):
            return {name.encode(errors="replace").decode(): data[name] for name in data}
        return data


class Output(BaseModel):
    """Base of answers, which are read from models field by field."""

    model_config = ConfigDict(from_attributes=True)


def omitted() -> Any:
    """Return the default of a field that may be left out, but not be null; it is None."""
    return Field(default_factory=lambda: None)
