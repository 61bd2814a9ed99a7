"""What one request cost."""

from contextvars import copy_context

from observability import figures


def test_statements_and_looks_are_counted() -> None:
    """Milliseconds add up, hits and misses are told apart."""
    cost = figures.begin()
    figures.query(0.25)
    figures.query(0.5)
    figures.cached(hit=True)
    figures.cached(hit=False)
    figures.cached(hit=False)
    assert (cost.db_queries, cost.db_ms) == (2, 750)
    assert (cost.cache_hits, cost.cache_misses) == (1, 2)


def test_requests_do_not_mix() -> None:
    """Another context counts for itself, and what belongs to no request is not counted."""
    cost = figures.begin()
    other = copy_context().run(figures.begin)
    figures.query(1)
    assert (cost.db_queries, other.db_queries) == (1, 0)
