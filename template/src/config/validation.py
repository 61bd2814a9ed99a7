"""Values from outside: what both the body and the query take, and what is wrong with them."""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from config.errors import FIELD_CODES, FieldError, ValidationFailedError

EMAIL = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}$"
INSTANT = r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)$"
UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_CODES = {
    "missing": "required",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "string_unicode": "invalid_characters",  # half of a surrogate pair
    "too_long": "too_long",
    "too_short": "too_short",
    "greater_than_equal": "too_small",
    "less_than_equal": "too_large",
    "literal_error": "invalid_choice",
    "enum": "invalid_choice",
}


def is_storable(text: str) -> bool:
    """Return whether PostgreSQL can keep the text: neither NUL nor half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def fault(code: str) -> PydanticCustomError:
    """Return what a pydantic validator raises for one of `FIELD_CODES`."""
    return PydanticCustomError(code, FIELD_CODES[code])


def _storable(text: str) -> str:
    if not is_storable(text):
        raise fault("invalid_characters")
    return text


def _digits(value: object) -> object:
    # int() would also take blanks, signs, underscores and digits of other scripts.
    if isinstance(value, str):
        # Python refuses to read more digits than some thousands.
        if not re.fullmatch(r"-?[0-9]{1,1000}", value):
            raise fault("invalid_type")
        return int(value)
    return value


def _flag(value: object) -> object:
    flags = {"true": True, "false": False}
    if isinstance(value, str):
        if value not in flags:
            raise fault("invalid_choice")
        return flags[value]
    return value


def _in_utc(moment: datetime) -> datetime:
    # PostgreSQL takes no offset of sixteen hours or more.
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # beyond the first or the last moment there is
        extreme = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
        return extreme[moment.year == 1]


def written_as(pattern: str) -> BeforeValidator:
    """Return what refuses text that the pattern does not match as a whole."""

    def check(value: object) -> object:
        if isinstance(value, str) and not re.fullmatch(pattern, value, re.ASCII):
            raise fault("invalid_format")
        if not isinstance(value, str | datetime | uuid.UUID):
            raise fault("invalid_type")
        return value

    return BeforeValidator(check)


Text = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True), AfterValidator(_storable)
]
# For passwords: not a character of theirs is changed.
Verbatim = Annotated[str, StringConstraints(strict=True), AfterValidator(_storable)]
Email = Annotated[
    str,
    written_as(EMAIL),
    StringConstraints(strict=True, max_length=254, to_lower=True),
    Field(json_schema_extra={"format": "email"}),
]
# JSON has no type of its own for these, so a strict model takes text.
Identifier = Annotated[uuid.UUID, Field(strict=False), written_as(UUID)]
Instant = Annotated[datetime, Field(strict=False), written_as(INSTANT), AfterValidator(_in_utc)]
Number = Annotated[int, BeforeValidator(_digits)]
Flag = Annotated[bool, BeforeValidator(_flag)]


def code_of(kind: str) -> str:
    """Return our code for one of pydantic's error types."""
    if kind in FIELD_CODES:
        return kind
    if kind.endswith("_type") or kind == "int_parsing":
        return "invalid_type"
    return _CODES.get(kind, "invalid_format")


def refused(error: ValidationError) -> ValidationFailedError:
    """Return the answer to a query that pydantic refused."""
    return ValidationFailedError(_of_query(error.errors(include_url=False, include_input=False)))


def _of_query(errors: list[Any]) -> Iterator[FieldError]:
    for each in errors:
        unknown = each["type"] == "extra_forbidden"
        code = "unknown_parameter" if unknown else code_of(each["type"])
        yield FieldError(f"?{each['loc'][0]}", code)
