"""What the service tells anybody about itself: these lists, and nothing that is not on them."""

from config import bodies, identity, pagination
from config.environment import load

CACHED = {"Cache-Control": "public, max-age=300"}


def service() -> dict[str, object]:
    """Return what `GET /` answers."""
    links = {"live": "/live", "ready": "/ready", "health": "/health", "config": "/api/config"}
    if load().api_docs_enabled:
        links |= {"schema": "/api/schema", "docs": "/api/docs"}
    return {"name": identity.NAME, "version": identity.VERSION, "links": links}


def client_settings() -> dict[str, object]:
    """Return what `GET /api/config` answers: the settings that a client may know."""
    return {
        "name": identity.NAME,
        "version": identity.VERSION,
        "features": {"api_docs": bool(load().api_docs_enabled)},
        "limits": {
            "body_bytes": bodies.LARGEST,
            "page_size": pagination.SIZE,
            "page_size_max": pagination.LARGEST_SIZE,
        },
    }
