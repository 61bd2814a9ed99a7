"""The bounds of a request's body, for every route."""

import json

from config.errors import MalformedBodyError

LARGEST = 1024 * 1024  # bytes
DEEPEST = 32  # arrays and objects in each other
MOST = 5_000  # values in all: to find what is wrong with each of many costs seconds


def is_json(content_type: str) -> bool:
    """Return whether a body of this type is JSON."""
    return content_type.partition(";")[0].strip().lower() == "application/json"


def check(body: bytes) -> None:
    """Refuse what is not JSON that our parsers can take.

    Raises:
        MalformedBodyError: it is none, holds numbers that JSON has not, too many values, or
            nests too deep.
    """
    try:
        level = [json.loads(body.decode(), parse_constant=_refuse)]
    except (ValueError, RecursionError):  # of json, of the encoding, of huge numbers
        raise MalformedBodyError from None
    values = 0
    for _ in range(DEEPEST + 1):
        inner = [value for value in level if isinstance(value, dict | list)]
        if not inner:
            return
        values += sum(map(len, inner))
        if values > MOST:
            break
        level = [
            v for value in inner for v in (value.values() if isinstance(value, dict) else value)
        ]
    raise MalformedBodyError


def _refuse(constant: str) -> None:
    raise ValueError(constant)
