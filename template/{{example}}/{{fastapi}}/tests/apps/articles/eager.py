"""What a test takes away to see that it is missed."""

import pytest
from sqlalchemy import Select


def forget_eager_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have selectors load rows without what belongs to them."""
    monkeypatch.setattr(Select, "options", lambda select, *_: select)
