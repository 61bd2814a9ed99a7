"""Applications with routes of a test's own, which are not public."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi import APIRouter
from starlette.testclient import TestClient

Open = Callable[[APIRouter], TestClient]


@pytest.fixture
def include(database: None) -> Iterator[Open]:
    """Return what makes a client of the application with a router more."""
    import main  # which reads the settings

    with ExitStack() as clients:

        def include(router: APIRouter) -> TestClient:
            app = main.create()
            app.include_router(router)
            return clients.enter_context(TestClient(app, raise_server_exceptions=False))

        yield include
