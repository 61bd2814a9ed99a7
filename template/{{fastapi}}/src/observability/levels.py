"""What libraries may say of their own running; LOG_LEVEL raises these, it never lowers them."""

LEVELS = {
    "alembic.runtime.plugins": "WARNING",
    "asyncio": "INFO",
    "gunicorn.error": "INFO",
    "psycopg": "WARNING",
    "psycopg.pool": "WARNING",
    "redis": "INFO",
    "sqlalchemy.engine": "WARNING",
    "uvicorn.error": "INFO",
}
