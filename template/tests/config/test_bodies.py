"""A body is JSON within bounds, or it is refused; nothing else happens."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import bodies
from config.errors import MalformedBodyError

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def depth(value: Any) -> int:
    """Return how many arrays and objects enclose the innermost value."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth, inner), default=0)
    return 0


def nested(value: Any, levels: int, *, in_objects: bool = False) -> Any:
    for _ in range(levels):
        value = {"in": value} if in_objects else [value]
    return value


def refused(body: bytes) -> bool:
    try:
        bodies.check(body)
    except MalformedBodyError:
        return True
    return False


@given(VALUES, st.integers(0, 40), st.booleans())
def test_json_is_taken_up_to_its_depth(value: Any, levels: int, in_objects: bool) -> None:
    """The content does not matter, only how deep it nests."""
    deep = nested(value, levels, in_objects=in_objects)
    try:
        body = json.dumps(deep, allow_nan=False).encode()
    except ValueError:  # an infinite float
        return
    assert refused(body) == (depth(deep) > bodies.DEEPEST)


@pytest.mark.parametrize("in_objects", [False, True])
def test_the_deepest_body(in_objects: bool) -> None:
    """One level more is one too many."""
    for levels, answer in ((bodies.DEEPEST, False), (bodies.DEEPEST + 1, True)):
        body = json.dumps(nested(1, levels, in_objects=in_objects)).encode()
        assert refused(body) is answer


@given(st.binary() | st.text(alphabet='[]{}",:0123456789.eE+-tfn \\u\x00', max_size=60))
def test_anything_is_taken_or_refused(body: bytes | str) -> None:
    """No input makes it fail in another way, and what it takes can be read."""
    data = body if isinstance(body, bytes) else body.encode()
    if not refused(data):
        json.loads(data)


@pytest.mark.security
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1} {}',
        b"\xff",
        b'"\xed\xa0\x80"',
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-32-le"),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 5000,
    ],
    ids=range(13),
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """Other encodings, numbers that JSON has not, and what is made to exhaust a parser."""
    assert refused(body)


@pytest.mark.parametrize(
    ("content_type", "answer"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        (" application/json ;x=y", True),
        ("application/jsonp", False),
        ("application/problem+json", False),
        ("text/plain", False),
        ("", False),
    ],
)
def test_the_type_of_json(content_type: str, answer: bool) -> None:
    """Case and parameters do not matter, anything else does."""
    assert bodies.is_json(content_type) is answer
