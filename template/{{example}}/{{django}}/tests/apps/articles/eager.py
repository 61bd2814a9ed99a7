"""A fault to plant: relations that nobody loads with their rows."""

import pytest
from django.db.models import QuerySet


def forget_eager_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every selector forget its relations."""
    for name in ("select_related", "prefetch_related"):
        monkeypatch.setattr(QuerySet, name, lambda rows, *_: rows)
