"""What libraries may say of their own running; LOG_LEVEL raises these, it never lowers them."""

LEVELS = {
    "asyncio": "INFO",
    "django": "INFO",
    "django.db.backends": "WARNING",
    "django.request": "ERROR",
    "django.security.DisallowedHost": "CRITICAL",
    "gunicorn.error": "INFO",
    "psycopg": "WARNING",
    "psycopg.pool": "WARNING",
    "redis": "INFO",
}
