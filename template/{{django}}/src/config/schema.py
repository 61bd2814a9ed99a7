"""The OpenAPI document, also outside of a running service."""

from functools import lru_cache
from typing import Any

import django
from django.apps import apps

from config import django_setup
from config.environment import load


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Return the document."""
    if not apps.ready:  # for `make docs`
        django_setup.select(load())
        django.setup()
    from drf_spectacular.generators import SchemaGenerator

    found: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return found
