"""Figures of one request: database statements and cache use, counted where they happen."""

from contextvars import ContextVar
from dataclasses import dataclass

SLOW_REQUEST_MS = 500


@dataclass
class Figures:
    """What one request cost so far; `db_ms` is milliseconds."""

    db_queries: int = 0
    db_ms: float = 0.0
    cache_hits: int = 0
    cache_misses: int = 0


_current: ContextVar[Figures | None] = ContextVar("figures", default=None)


def begin() -> Figures:
    """Start counting for the current request and return its figures."""
    figures = Figures()
    _current.set(figures)
    return figures


def query(seconds: float) -> None:
    """Count one database statement that took `seconds`."""
    if figures := _current.get():
        figures.db_queries += 1
        figures.db_ms += seconds * 1000


def cached(*, hit: bool) -> None:
    """Count one look into the cache."""
    if figures := _current.get():
        figures.cache_hits += hit
        figures.cache_misses += not hit
