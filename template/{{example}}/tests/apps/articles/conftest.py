"""What the tests of articles share."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support import Make

Publish = Callable[..., Any]
Tag = Callable[..., None]

# Models cannot be imported yet where this file is loaded, before the framework is set up.


@pytest.fixture
def publish(make: Make) -> Publish:
    """Return what stores an article that everybody may read."""
    from tests.apps.articles.factories import ArticleFactory

    def publish(**fields: object) -> Any:
        now = datetime.now(UTC)
        return make(ArticleFactory, **{"status": "published", "published_at": now} | fields)

    return publish


@pytest.fixture
def tag(make: Make) -> Tag:
    """Return what gives an article these tags, in this order."""
    from tests.apps.articles.factories import ArticleTagFactory

    def tag(article: Any, *tags: Any) -> None:
        for position, each in enumerate(tags):
            make(ArticleTagFactory, article=article, tag=each, position=position)

    return tag
