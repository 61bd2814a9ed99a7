"""What both frameworks' OpenAPI documents lack: the failures that any operation can answer."""

from typing import Any

from access import networks, public
from config.errors import FIELD_CODES, MEDIA_TYPE, TITLES, NotFoundError, problem

_TEXT = {"type": "string"}


def _shape(description: str, *optional: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
        "properties": properties,
    }


SCHEMAS = {
    "Problem": _shape(
        "A failure, as RFC 9457 describes it.",
        "errors",
        type=_TEXT,
        title=_TEXT,
        status={"type": "integer"},
        code=_TEXT | {"description": "Stable; docs/errors.md lists them."},
        detail=_TEXT,
        request_id=_TEXT | {"description": "Finds the cause in the log."},
        errors={"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
    )
    | {"example": problem(404, NotFoundError.code, NotFoundError.detail) | {"request_id": "5b0c"}},
    "FieldError": _shape(
        "One value that is wrong.",
        pointer=_TEXT | {"description": "`#/title` or `?limit`."},
        code=_TEXT | {"enum": sorted(FIELD_CODES)},
        message=_TEXT,
    ),
}
BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
METHODS = {"get", "put", "post", "delete", "patch"}
# What pydantic calls the bounds of a number that a validator reads first.
_BOUNDS = {"ge": "minimum", "le": "maximum"}


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Give every operation what it can answer and how it is asked, and return the document."""
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(SCHEMAS)
    components["securitySchemes"] = {"bearer": BEARER}
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            operation = item[method]
            operation.pop("security", None)
            if not public.is_public(method.upper(), path):
                operation["security"] = [{"bearer": []}]
            # What the framework thinks of a 422; the failures that a route declares stay.
            answers = {s: a for s, a in operation["responses"].items() if s != "422"}
            answers |= {str(s): _failure(s) for s in sorted(_statuses(path, method, operation))}
            if "201" in answers:
                answers["201"]["headers"] = {"Location": {"schema": _TEXT}}
            operation["responses"] = answers
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _as_asked(parameter["schema"])
    return document


def _as_asked(schema: dict[str, Any]) -> dict[str, Any]:
    # Null is no text that an address could hold; what may be left out is not required.
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        schema = {name: value for name, value in schema.items() if name != "anyOf"} | kinds[0]
    return {_BOUNDS.get(name, name): value for name, value in schema.items()}


def _statuses(path: str, method: str, operation: dict[str, Any]) -> set[int]:
    statuses = {400, 405, 429, 500, 503}
    if operation.get("security") or path.endswith(("/auth/token", "/auth/token/refresh")):
        statuses.add(401)
    if "{" in path:
        statuses.add(404)
    if operation.get("parameters"):
        statuses.add(422)
    if "requestBody" in operation:
        statuses |= {413, 415, 422}
    if method != "get":
        statuses |= {409}
    if operation.get("security") and (method != "get" or networks.is_fenced(path)):
        statuses.add(403)
    return statuses


def _failure(status: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    answer: dict[str, Any] = {"description": f"{TITLES[status]}.", "content": content}
    named = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
    if name := named.get(status):
        answer["headers"] = {name: {"schema": _TEXT}}
    return answer
