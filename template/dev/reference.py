"""Write what the documents say about the code: `python dev/reference.py`, or `--check` them.

That is the tables of docs/configuration.md, docs/errors.md, docs/api.md and docs/hardenings.md, and
docs/openapi.json, which is born in the service: its differences show what a change means for
clients.
"""

import json
import os
import string
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from pydantic import SecretStr, ValidationError

from access import public, throttles
from accounts import passwords
from config import bodies, errors, identity, pagination
from config.environment import Environment

DOCS = identity.ROOT / "docs"
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
        hidden = "yes" if kinds[0].get("items", kinds[0]).get("writeOnly") else ""
        found[name] = (kind_of(kinds[0]), value, required, hidden, schema["description"])
    return found


def kind_of(schema: dict[str, Any]) -> str:
    """Return the words for a type and its bounds."""
    if choices := schema.get("enum"):
        return " or ".join(choices)
    words = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false"}
    kind = words.get(schema["type"], "list")
    least, most = shown(schema.get("minimum")), shown(schema.get("maximum"))
    if least:
        return f"{kind}, {least} to {most}" if most else f"{kind}, {least} or more"
    if "exclusiveMinimum" in schema:
        return f"{kind}, above {shown(schema['exclusiveMinimum'])}, to {most}"
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


def variables() -> str:
    """Return the table of the settings as Markdown."""
    lines = ["| variable | type | default | required | secret | meaning |", "|---" * 6 + "|"]
    for name, (kind, value, required, hidden, meaning) in rows().items():
        default = f"`{value}`" if value else ""
        cells = [f"`{name}`", kind, default, required, hidden, meaning.removesuffix(".")]
        lines.append("|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|")
    return "\n".join(lines)


def kinds(base: type[errors.ServiceError] = errors.ServiceError) -> Iterator[Any]:
    """Yield the failures that every service has; those of domains are the domains' own."""
    if base.__module__ in {"accounts.errors", "config.errors"}:
        yield base
        for kind in base.__subclasses__():
            yield from kinds(kind)


def codes() -> str:
    """Return the tables of the error codes as Markdown."""
    import accounts.errors  # noqa: F401 - known by being imported

    lines = ["| status | code | meaning |", "|---|---|---|"]
    ordered = sorted(kinds(), key=lambda kind: (kind.status, kind.code))
    lines += [f"| {kind.status} | `{kind.code}` | {kind.detail} |" for kind in ordered]
    lines += ["", "| code of a value | meaning |", "|---|---|"]
    lines += [f"| `{code}` | {text} |" for code, text in sorted(errors.FIELD_CODES.items())]
    return "\n".join(lines)


def limits() -> str:
    """Return the table of the limits of every request as Markdown."""
    found = [
        ("bytes of a body", bodies.LARGEST, "`body_too_large`"),
        ("arrays and objects in each other", bodies.DEEPEST, "`malformed_body`"),
        ("values in a body", bodies.MOST, "`malformed_body`"),
        ("rows of a page, unless asked", pagination.SIZE, ""),
        ("rows of a page, at most", pagination.LARGEST_SIZE, "`validation_failed`"),
        ("rows that a list counts or skips", pagination.FURTHEST, "take a filter or a cursor"),
        ("characters of a password, at least", passwords.SHORTEST, "`validation_failed`"),
        ("characters of a password, at most", passwords.LONGEST, "`validation_failed`"),
        ("wrong values that a problem names", errors.MOST_ERRORS, "the rest is not named"),
    ]
    lines = ["| limit | | beyond it |", "|---|---|---|"]
    lines += [f"| {name} | {number:,} | {beyond} |" for name, number, beyond in found]
    return "\n".join(line.replace("|  |", "| |") for line in lines)


def rates() -> str:
    """Return the table of the throttles as Markdown."""
    described = rows()
    lines = ["| policy | rate | set by | counts |", "|---|---|---|---|"]
    for policy in ("anonymous", "user", "burst", "strict"):
        name = f"THROTTLE_{policy.upper()}"
        _, rate, *_, meaning = described[name]
        counted = meaning.removesuffix(".").removesuffix(", comma-separated")
        lines.append(f"| {policy} | `{rate}` | `{name}` | {counted} |")
    strict = ", ".join(f"`{route}`" for route in throttles.ROUTES)
    return "\n".join([*lines, "", f"Strict are {strict}."])


def public_routes() -> str:
    """Return the routes that need no token as a Markdown list."""
    return "\n".join(f"- `{route}`" for route in sorted(public.ROUTES))


def hardenings() -> str:
    """Return the table of what `make doctor` examines as Markdown."""
    ledger = tomllib.loads((identity.ROOT / "dev" / "doctor" / "hardenings.toml").read_text())
    lines = ["| id | severity | hardening | since | what is looked at |", "|---" * 5 + "|"]
    for entry in ledger["hardening"]:
        texts = [entry[key] for key in ("id", "severity", "title", "since", "check")]
        cells = [" ".join(text.split()).replace("|", "\\|") for text in texts]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def openapi() -> str:
    """Return the OpenAPI document as it is committed."""
    with patch.dict(os.environ, {"ENVIRONMENT": "build"}, clear=True):
        from config import schema

        return json.dumps(schema.document(), indent=2, ensure_ascii=False) + "\n"


def page(text: str, name: str, table: str) -> str:
    """Return a page with the table of now between its two marks."""
    before, begin, rest = text.partition(f"<!-- {name}: written by dev/reference.py -->")
    return f"{before}{begin}\n\n{table}\n\n{''.join(rest.partition(f'<!-- /{name} -->')[1:])}"


def documents() -> dict[Path, str]:
    """Return the text that each document should have."""
    found = {DOCS / "openapi.json": openapi()}
    for document, name, table in (
        ("configuration", "variables", variables()),
        ("errors", "codes", codes()),
        ("api", "limits", limits()),
        ("api", "rates", rates()),
        ("api", "public", public_routes()),
        ("hardenings", "hardenings", hardenings()),
    ):
        path = DOCS / f"{document}.md"
        found[path] = page(found.get(path) or path.read_text(), name, table)
    return found


def main() -> int:
    """Write the documents, or say which are not what they should be."""
    wanted = documents()
    stale = [p for p, text in wanted.items() if not p.is_file() or p.read_text() != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(identity.ROOT)} is not what the code says: run `make docs`")
        return int(bool(stale))
    for path in stale:
        path.write_text(wanted[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
