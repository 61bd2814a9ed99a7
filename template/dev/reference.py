"""Write the table of docs/configuration.md from the settings model: `python dev/reference.py`."""

import os
import string
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from pydantic import SecretStr, ValidationError

from config import identity
from config.environment import Environment

PAGE = identity.ROOT / "docs" / "configuration.md"
BEGIN, END = "<!-- variables: written by dev/reference.py -->", "<!-- /variables -->"
PROFILES = ("development", "test", "build", "production")
# All that production needs. What it leaves open has the value that the table shows.
COMPLETE = {
    "SECRET_KEY": string.ascii_letters,
    "JWT_SIGNING_KEY": string.ascii_letters[::-1],
    "ALLOWED_HOSTS": "api.example.com",
    "CORS_ALLOWED_ORIGINS": "",
    "DATABASE_URL": "postgresql://app:pw@db/app",  # pragma: allowlist secret
    "REDIS_URL": "redis://cache",
}


def missing(profile: str) -> set[str]:
    """Return the variables that a profile asks for."""
    with patch.dict(os.environ, {"ENVIRONMENT": profile}, clear=True):
        try:
            Environment()
        except ValidationError as error:
            return {str(fault["loc"][0]).upper() for fault in error.errors()}
    return set()


def rows() -> dict[str, tuple[str, str, str, str, str]]:
    """Return type, default, when it is required, whether it is secret, and meaning, by name."""
    needed = {profile: missing(profile) for profile in PROFILES}
    with patch.dict(os.environ, COMPLETE | {"ENVIRONMENT": "production"}, clear=True):
        effective = Environment()
    found = {}
    for field, schema in Environment.model_json_schema()["properties"].items():
        name = field.upper()
        kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
        value = "" if name in {*COMPLETE, "ENVIRONMENT"} else shown(getattr(effective, field))
        profiles = [profile for profile in PROFILES if name in needed[profile]]
        required = "always but in build" if len(profiles) == 3 else ", ".join(profiles)
        if Environment.model_fields[field].is_required():
            required = "always"
        hidden = "yes" if kinds[0].get("writeOnly") else ""
        found[name] = (kind_of(kinds[0]), value, required, hidden, schema["description"])
    return found


def kind_of(schema: dict[str, Any]) -> str:
    """Return the words for a type and its bounds."""
    if choices := schema.get("enum"):
        return " or ".join(choices)
    words = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false"}
    kind = words.get(schema["type"], "list")
    if "minimum" in schema:
        return f"{kind}, {schema['minimum']:g} to {schema['maximum']:g}"
    if "exclusiveMinimum" in schema:
        return f"{kind}, above {schema['exclusiveMinimum']:g}, to {schema['maximum']:g}"
    return kind


def shown(value: object) -> str:
    """Return a value as it would be written in the environment."""
    if isinstance(value, SecretStr):
        return shown(value.get_secret_value())
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)


def table() -> str:
    """Return the table as Markdown."""
    lines = ["| variable | type | default | required | secret | meaning |", "|---" * 6 + "|"]
    for name, (kind, value, required, hidden, meaning) in rows().items():
        default = f"`{value}`" if value else ""
        cells = [f"`{name}`", kind, default, required, hidden, meaning.removesuffix(".")]
        lines.append("|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|")
    return "\n".join(lines)


def page(text: str) -> str:
    """Return the page with the table of now."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
