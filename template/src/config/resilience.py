"""What keeps requests succeeding while a server they could do without is away."""

import threading
import time

RETRY_AFTER = 5.0  # seconds until a lost server is tried again
LOCAL_ENTRIES = 1000
LOCAL_SECONDS = 30.0  # an entry of the stand-in lives this long at most


class Breaker:
    """Closed, calls pass; open, they do not, but for one trial every `retry_after` seconds."""

    def __init__(self, retry_after: float = RETRY_AFTER) -> None:
        """Start closed."""
        self.retry_after = retry_after
        self._lock = threading.Lock()
        self._next_trial: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the server counts as lost."""
        return self._next_trial is not None

    def allows(self) -> bool:
        """Return whether the caller may try the server; the trial is given to one caller."""
        with self._lock:
            if self._next_trial is None:
                return True
            if time.monotonic() < self._next_trial:
                return False
            self._next_trial = time.monotonic() + self.retry_after
            return True

    def failed(self) -> bool:
        """Record a failure; return whether it opened the breaker."""
        with self._lock:
            opened = self._next_trial is None
            self._next_trial = time.monotonic() + self.retry_after
            return opened

    def succeeded(self) -> bool:
        """Record an answer; return whether it closed the breaker."""
        with self._lock:
            closed = self._next_trial is not None
            self._next_trial = None
            return closed
