"""Where what came by http is sent."""

from urllib.parse import quote

_SAFE = "/:@!$&'()*+,;=~"  # stands for itself in a path


def redirect(method: str, host: str, path: str, query: str) -> tuple[int, str]:
    """Return status and Location of the same place by https; what writes keeps method and body.

    `path` is decoded and `query` is not. Nothing in them can end the line or the host.
    """
    place = quote(f"/{path.removeprefix('/')}", safe=_SAFE)
    question = quote(query, safe=f"{_SAFE}?%[]")
    status = 301 if method in {"GET", "HEAD"} else 308
    return status, f"https://{host}{place}{'?' * bool(query)}{question}"
