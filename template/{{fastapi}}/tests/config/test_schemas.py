"""What comes in is taken as it is or not at all."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from config.schemas import Input, Moment, Output, omitted
from config.validation import Identifier, Instant


class Order(Input):
    """An order."""

    number: int = 0
    paid: bool = False
    at: Instant | None = None
    customer: Identifier | None = None
    name: str = omitted()


class Answer(Output):
    """An answer."""

    at: Moment


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"number": "1"}, "int_type"),
        ({"number": True}, "int_type"),
        ({"paid": "true"}, "bool_type"),
        ({"paid": 1}, "bool_type"),
        ({"name": None}, "string_type"),
        ({"at": 0}, "invalid_type"),
        ({"color": "red"}, "extra_forbidden"),
        ({"\ud800": "red"}, "extra_forbidden"),
    ],
)
def test_nothing_is_converted_and_nothing_ignored(body: dict[str, object], kind: str) -> None:
    """A text is no number, and null is nothing that was left out."""
    with pytest.raises(ValidationError) as caught:
        Order.model_validate(body)
    assert [error["type"] for error in caught.value.errors()] == [kind]


def test_ids_and_moments_come_as_text() -> None:
    """JSON has no other way to write them."""
    customer = "0e0c7f9e-5a4b-4d3c-8b2a-1f0e9d8c7b6a"
    order = Order.model_validate({"at": "2026-11-20T08:00:00Z", "customer": customer})
    assert str(order.customer) == customer
    assert order.at == datetime(2026, 11, 20, 8, tzinfo=UTC)


def test_what_was_left_out_is_not_there() -> None:
    """So that a change touches nothing else."""
    assert Order.model_validate({"number": 1}).model_dump(exclude_unset=True) == {"number": 1}


def test_moments_are_written_in_one_way() -> None:
    """In UTC, with six digits, wherever they are from."""
    moment = datetime(2026, 11, 20, 9, tzinfo=timezone(timedelta(hours=1)))
    assert Answer(at=moment).model_dump() == {"at": "2026-11-20T08:00:00.000000Z"}
