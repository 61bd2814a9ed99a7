"""What the service takes for a text, an address, a number, an id, an instant and a flag."""

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from config.errors import FIELD_CODES, FieldError
from config.validation import (
    Email,
    Flag,
    Identifier,
    Instant,
    Number,
    Text,
    code_of,
    is_storable,
    refused,
)

TITLE: TypeAdapter[Any] = TypeAdapter(Annotated[Text, Field(min_length=1, max_length=5)])
EMAIL: TypeAdapter[Any] = TypeAdapter(Email)
ID: TypeAdapter[Any] = TypeAdapter(Identifier)
INSTANT: TypeAdapter[Any] = TypeAdapter(Instant)
NUMBER: TypeAdapter[Any] = TypeAdapter(Annotated[Number, Field(ge=1, le=100)])
FLAG: TypeAdapter[Any] = TypeAdapter(Flag)
WRITTEN = "0190163d-8694-739b-aea5-966c26f8ad91"
LONG = "@" + ("b" * 60 + ".") * 4 + "com"


class Search(BaseModel):
    """A query like those of lists."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[Number, Field(ge=1)] = 1
    isnull: Flag = False


def fault(adapter: TypeAdapter[Any], value: object) -> str:
    """Return the code of a value that has to be refused."""
    with pytest.raises(ValidationError) as raised:
        adapter.validate_python(value)
    (error,) = raised.value.errors(include_url=False)
    return code_of(error["type"])


@pytest.mark.parametrize(
    ("adapter", "value", "taken"),
    [
        (TITLE, "  abc ", "abc"),
        (TITLE, "a\tb", "a\tb"),
        (TITLE, "🐍", "🐍"),
        (EMAIL, "Ada+tag@Sub.Example.ORG", "ada+tag@sub.example.org"),
        (ID, WRITTEN.upper(), WRITTEN),
        (NUMBER, "1", 1),
        (NUMBER, "0100", 100),
        (FLAG, "true", True),
        (FLAG, "false", False),
    ],
)
def test_what_is_taken(adapter: TypeAdapter[Any], value: str, taken: object) -> None:
    """Texts lose the blanks around them, addresses and ids their capitals."""
    found = adapter.validate_python(value)
    assert (str(found) if isinstance(found, uuid.UUID) else found) == taken


REFUSED = [
    (TITLE, "", "too_short"),
    (TITLE, " \t\n", "too_short"),
    (TITLE, "abcdef", "too_long"),
    (TITLE, "a\x00b", "invalid_characters"),
    (TITLE, "\ud83d", "invalid_characters"),
    (TITLE, 1, "invalid_type"),
    (TITLE, None, "invalid_type"),
    (TITLE, True, "invalid_type"),
    (TITLE, ["a"], "invalid_type"),
    (EMAIL, "ada", "invalid_format"),
    (EMAIL, "ada@localhost", "invalid_format"),
    (EMAIL, "a b@example.org", "invalid_format"),
    (EMAIL, "ada@example.org\n", "invalid_format"),
    (EMAIL, "ädä@example.org", "invalid_format"),
    (EMAIL, "ada@example.org, eve@example.org", "invalid_format"),
    (EMAIL, "a" * 64 + LONG, "too_long"),
    (EMAIL, "a" * 65 + "@example.org", "invalid_format"),
    (EMAIL, 1, "invalid_type"),
    (EMAIL, None, "invalid_type"),
    (ID, WRITTEN.replace("-", ""), "invalid_format"),
    (ID, "{" + WRITTEN + "}", "invalid_format"),
    (ID, f"urn:uuid:{WRITTEN}", "invalid_format"),
    (ID, "", "invalid_format"),
    (ID, 1, "invalid_type"),
    (ID, None, "invalid_type"),
    (INSTANT, "2026-11-20", "invalid_format"),
    (INSTANT, "2026-11-20T08:00:00", "invalid_format"),
    (INSTANT, "2026-02-30T08:00:00Z", "invalid_format"),
    (INSTANT, "2026-11-20T25:00:00Z", "invalid_format"),
    (INSTANT, "0000-01-01T00:00:00Z", "invalid_format"),
    (INSTANT, "2026-11-20T08:00:00.1234567Z", "invalid_format"),
    (INSTANT, "1763625600", "invalid_format"),
    (INSTANT, 1763625600, "invalid_type"),
    (NUMBER, "0", "too_small"),
    (NUMBER, "-1", "too_small"),
    (NUMBER, "101", "too_large"),
    (NUMBER, "9" * 30, "too_large"),
    (NUMBER, "", "invalid_type"),
    (NUMBER, " 1", "invalid_type"),
    (NUMBER, "+1", "invalid_type"),
    (NUMBER, "1_0", "invalid_type"),
    (NUMBER, "1.0", "invalid_type"),
    (NUMBER, "1e1", "invalid_type"),
    (NUMBER, "٣", "invalid_type"),
    (NUMBER, "9" * 5000, "invalid_type"),
    (FLAG, "True", "invalid_choice"),
    (FLAG, "1", "invalid_choice"),
    (FLAG, "yes", "invalid_choice"),
    (FLAG, "", "invalid_choice"),
]


@pytest.mark.security
@pytest.mark.parametrize(("adapter", "value", "code"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(adapter: TypeAdapter[Any], value: object, code: str) -> None:
    """Nothing is guessed and nothing is converted that was not written so."""
    assert fault(adapter, value) == code


@given(st.text(alphabet=st.characters(codec=None, exclude_categories=())))
def test_a_text_is_storable_or_refused(value: str) -> None:
    """PostgreSQL takes what passes; blanks around it are gone."""
    try:
        taken = TypeAdapter(Text).validate_python(value)
    except ValidationError:
        assert not is_storable(value)
    else:
        assert "\x00" not in taken.encode().decode()
        assert taken in value
        assert taken == taken.strip(" \t\r\n")


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_instant_can_be_asked_for(moment: datetime) -> None:
    """In either way to say UTC."""
    text = moment.isoformat()
    for written in (text, text.replace("+00:00", "Z")):
        assert INSTANT.validate_python(written) == moment


@given(st.uuids())
def test_every_id_can_be_asked_for(made: uuid.UUID) -> None:
    """In either case."""
    assert ID.validate_python(str(made)) == ID.validate_python(str(made).upper()) == made


@given(st.text())
def test_any_text_is_a_number_or_refused(value: str) -> None:
    """What is taken is what is written."""
    try:
        taken = TypeAdapter(Number).validate_python(value)
    except ValidationError:
        assert fault(TypeAdapter(Number), value) == "invalid_type"
    else:
        assert taken == int(value)
        assert value.isascii()


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=3))
def test_a_query_is_refused_in_our_own_words(parameters: dict[str, str]) -> None:
    """Each fault has a code of the catalogue and names its parameter."""
    try:
        Search.model_validate(parameters)
    except ValidationError as error:
        found = refused(error).errors
        assert {pointer for pointer, _ in found} <= {f"?{name}" for name in parameters}
        assert {code for _, code in found} <= FIELD_CODES.keys()
    else:
        assert parameters.keys() <= Search.model_fields.keys()


def test_an_unknown_parameter_is_one() -> None:
    """It is named beside what else is wrong."""
    with pytest.raises(ValidationError) as error:
        Search.model_validate({"limit": "0", "password": "x", "isnull": "no"})
    assert refused(error.value).errors == (
        FieldError("?isnull", "invalid_choice"),
        FieldError("?limit", "too_small"),
        FieldError("?password", "unknown_parameter"),
    )
