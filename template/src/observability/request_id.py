"""The correlation id of a request: taken from the caller when it is sane, else made."""

import re
from uuid import uuid4

HEADER = "X-Request-ID"
_SANE = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def accept(value: str | None) -> str:
    """Return `value` if it is 1 to 128 harmless characters, otherwise a new id."""
    return value if value and _SANE.fullmatch(value) else uuid4().hex
