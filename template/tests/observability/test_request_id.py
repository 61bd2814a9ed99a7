"""The correlation id of a request."""

import pytest

from observability.request_id import accept


@pytest.mark.parametrize("value", ["a", "4bf92f35-77b3", "a.b_c:d/e+f=", "x" * 128])
def test_a_sane_id_is_kept(value: str) -> None:
    """The caller finds our lines by its own id."""
    assert accept(value) == value


@pytest.mark.security
@pytest.mark.parametrize(
    "value",
    [None, "", "x" * 129, "x" * 5000, "a b", "a\r\nX-Evil: 1", "a\n", "é", '{"a":1}', "<b>", "a;b"],
)
def test_anything_else_is_replaced(value: str | None) -> None:
    """Nobody writes lines into our log or headers into our answers."""
    made = accept(value)
    assert made != value
    assert len(made) == 32
    assert accept(value) != made
