"""The headers that every answer has, whatever answers; a route's own value stays."""

from config.environment import load

_CLOSED = "base-uri 'none'; frame-ancestors 'none'"
DATA_POLICY = f"default-src 'none'; {_CLOSED}"
# Pages of ours: nothing but files of this service, and no script or style within the page.
PAGE_POLICY = (
    "default-src 'none'; connect-src 'self'; font-src 'self'; form-action 'self'; "
    f"img-src 'self' data:; script-src 'self'; style-src 'self'; {_CLOSED}"
)
ALWAYS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def of(content_type: str, *, https: bool) -> dict[str, str]:
    """Return the headers of an answer of this media type."""
    page = content_type.lower().startswith("text/html")
    found = ALWAYS | {"Content-Security-Policy": PAGE_POLICY if page else DATA_POLICY}
    settings = load()
    if https and settings.environment == "production" and settings.hsts_seconds:
        found["Strict-Transport-Security"] = "".join(
            [
                f"max-age={settings.hsts_seconds}",
                "; includeSubDomains" * settings.hsts_include_subdomains,
                "; preload" * settings.hsts_preload,
            ]
        )
    return found
