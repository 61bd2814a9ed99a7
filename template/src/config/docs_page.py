"""The page that shows the OpenAPI document: Swagger UI, every asset served by this service."""

import hashlib
import html
from functools import lru_cache
from pathlib import Path

from config import identity

ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
START = "start.js"
SCRIPT = """\
SwaggerUIBundle({url: "/api/schema", dom_id: "#api", deepLinking: true, validatorUrl: null});
"""
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}  # the name changes with it


@lru_cache(maxsize=1)
def assets(folder: Path) -> dict[str, tuple[bytes, str]]:
    """Return content and media type of each asset by its name, which has its hash in it."""
    found = {name: ((folder / name).read_bytes(), kind) for name, kind in ASSETS.items()}
    found[START] = (SCRIPT.encode(), "text/javascript")
    return {_hashed(name, content): (content, kind) for name, (content, kind) in found.items()}


def page(folder: Path) -> str:
    """Return the page."""
    names = [f"/api/docs/{name}" for name in assets(folder)]
    script, style, start = names
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{html.escape(identity.TITLE)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{style}">
</head>
<body>
<div id="api"></div>
<script src="{script}"></script>
<script src="{start}"></script>
</body>
</html>
"""


def _hashed(name: str, content: bytes) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
