"""The cache's stand-in: a few entries in this process's memory."""

import time

from config.resilience import LOCAL_ENTRIES, LOCAL_SECONDS


class LocalStore:
    """A small store of this process: `LOCAL_ENTRIES` at most, the least recently set go first."""

    def __init__(self) -> None:
        """Start empty."""
        self._entries: dict[str, tuple[float, bytes]] = {}

    def get(self, key: str) -> bytes | None:
        """Return the value, or None where there is none or it expired."""
        expires, value = self._entries.get(key, (0.0, None))
        return value if time.monotonic() < expires else None

    def set(self, key: str, value: bytes, seconds: float) -> None:
        """Keep `value` for `seconds`, `LOCAL_SECONDS` at most."""
        self._entries.pop(key, None)
        self._entries[key] = (time.monotonic() + min(seconds, LOCAL_SECONDS), value)
        if len(self._entries) > LOCAL_ENTRIES:
            del self._entries[next(iter(self._entries))]

    def delete(self, key: str) -> None:
        """Forget the key."""
        self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
