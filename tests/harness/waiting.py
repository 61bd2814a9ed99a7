"""Waiting for what must come."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(look: Callable[[], T], otherwise: str, seconds: float = 15) -> T:
    """Return what `look` returns once it is true; fail with `otherwise` when it never is."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"{otherwise} ({seconds:g} s)"
        time.sleep(0.02)
    return found
