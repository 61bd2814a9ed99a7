"""Lists in pages: their limits, their parameters, their links and the one shape they have.

By page number, where people jump about; by cursor, where rows come and go while a client reads;
by limit and offset, where the list is short.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from config.environment import load
from config.errors import FieldError, ValidationFailedError
from config.validation import Number

SIZE = 20
LARGEST_SIZE = 100
# No list counts or skips more rows: filters and cursors find what lies beyond.
FURTHEST = 10_000

Size = Annotated[Number, Field(ge=1, le=LARGEST_SIZE)]
Parameters = Iterable[tuple[str, str]]


class Query(BaseModel):
    """Base of a list's parameters; those it does not name are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(Query):
    """Parameters of a list by page number."""

    page: Annotated[Number, Field(ge=1, le=FURTHEST)] = 1
    page_size: Size = SIZE

    @property
    def offset(self) -> int:
        """Rows before the page; those beyond `FURTHEST` are not looked for."""
        return min((self.page - 1) * self.page_size, FURTHEST)


class CursorQuery(Query):
    """Parameters of a list by cursor."""

    cursor: Annotated[str, Field(max_length=500)] = ""
    page_size: Size = SIZE


class OffsetQuery(Query):
    """Parameters of a list by limit and offset."""

    limit: Size = SIZE
    offset: Annotated[Number, Field(ge=0, le=FURTHEST)] = 0


class Cursor(NamedTuple):
    """A place between two rows: the sort values of the row beside it, and where to go from it."""

    position: tuple[str, ...]
    backwards: bool = False


def encode(cursor: Cursor, *, scope: str) -> str:
    """Return the cursor as an opaque text that is good for the list named `scope` only."""
    payload = json.dumps([cursor.position, cursor.backwards], separators=(",", ":")).encode()
    return _text(_signatures(payload, scope)[0] + payload)


def decode(text: str, *, scope: str) -> Cursor | None:
    """Return the cursor of a text, or None for an empty one.

    Raises:
        ValidationFailedError: we did not make it, or not for this list.
    """
    if not text:
        return None
    try:
        data = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True)
    except ValueError:
        data = b""
    # Other spellings of the same bytes are not ours.
    signatures = _signatures(data[16:], scope)
    if not any(hmac.compare_digest(data[:16], each) for each in signatures) or _text(data) != text:
        raise ValidationFailedError([FieldError("?cursor", "invalid_cursor")])
    position, backwards = json.loads(data[16:])
    return Cursor(tuple(position), backwards)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _signatures(payload: bytes, scope: str) -> list[bytes]:
    # The secret's own first, then those of its former values.
    settings = load()
    given = [settings.secret_key] if settings.secret_key else []
    keys = [key.get_secret_value().encode() for key in (*given, *settings.secret_key_fallbacks)]
    signed = f"cursor:{scope}:".encode() + payload
    return [hmac.digest(key, signed, hashlib.sha256)[:16] for key in keys]


def link(path: str, parameters: Parameters, **changes: object) -> str:
    """Return the address of another page, relative to the host: nobody's Host header is in it."""
    kept = [(name, value) for name, value in parameters if name not in changes]
    return f"{path}?{urlencode(kept + [(name, str(value)) for name, value in changes.items()])}"


def by_page(
    results: list[Any], *, count: int, query: PageQuery, path: str, parameters: Parameters
) -> dict[str, Any]:
    """Return a page by number; `count` is at most `FURTHEST`."""
    given, page = list(parameters), query.page
    more = page * query.page_size < count
    return {
        "count": count,
        "next": link(path, given, page=page + 1) if more else None,
        "previous": link(path, given, page=page - 1) if page > 1 else None,
        "results": results,
    }


def by_offset(
    results: list[Any], *, more: bool, query: OffsetQuery, path: str, parameters: Parameters
) -> dict[str, Any]:
    """Return a page by limit and offset; `more` says whether a row follows."""
    given, following = list(parameters), query.offset + query.limit
    before = max(query.offset - query.limit, 0)
    return {
        "next": link(path, given, offset=following) if more and following <= FURTHEST else None,
        "previous": link(path, given, offset=before) if query.offset else None,
        "results": results,
    }


def by_cursor(
    rows: list[Any],
    *,
    cursor: Cursor | None,
    query: CursorQuery,
    scope: str,
    position: Callable[[Any], tuple[str, ...]],
    path: str,
    parameters: Parameters,
) -> tuple[list[Any], dict[str, str | None]]:
    """Return the rows of a page, and its links.

    `rows` are those from the cursor on in its direction, one more than the page has if there are
    more; `position` returns the sort values of a row.
    """
    given, backwards = list(parameters), cursor is not None and cursor.backwards
    more, page = len(rows) > query.page_size, rows[: query.page_size]
    if backwards:
        page.reverse()

    def to(row: Any, *, back: bool) -> str:
        return link(path, given, cursor=encode(Cursor(position(row), back), scope=scope))

    after = to(page[-1], back=False) if page and (more or backwards) else None
    before = to(page[0], back=True) if page and (more if backwards else cursor) else None
    return page, {"next": after, "previous": before}
