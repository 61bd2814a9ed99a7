"""What drf-spectacular asks about this service's views."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from config import openapi


class Schema(AutoSchema):
    """Describes an operation by its view; the docstring of a method is its summary."""

    def get_summary(self) -> str | None:
        """Return the first line of the docstring."""
        return super().get_description().partition("\n")[0] or None

    def get_description(self) -> str:  # type: ignore[override]
        """Return the rest of it."""
        return super().get_description().partition("\n")[2].strip()

    def _is_create_operation(self) -> bool:
        return self.method == "POST"  # that of another status says so by `extend_schema`


class Bearer(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Says how a user is known."""

    target_class = "accounts.authentication.TokenAuthentication"
    name = "bearer"

    def get_security_definition(self, *_: object) -> dict[str, str]:
        """Return the scheme."""
        return openapi.BEARER


def complete(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """Say of bodies that they are closed, and of operations what they need and how they fail."""
    for name, schema in result["components"]["schemas"].items():
        if name.endswith("Request"):
            schema["additionalProperties"] = False
    return openapi.complete(result)
