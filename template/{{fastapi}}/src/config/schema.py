"""The OpenAPI document outside of a running service, for `make docs`."""

from typing import Any


def document() -> dict[str, Any]:
    """Return the document."""
    from main import app

    return app.openapi()
