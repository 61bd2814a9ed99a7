"""Pages: their bounds, their links, and cursors that nobody can forge."""

import string
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config import pagination
from config.errors import FieldError, ValidationFailedError
from config.pagination import Cursor, CursorQuery, OffsetQuery, PageQuery
from config.validation import refused

TEXTS = st.text(alphabet=st.characters(codec="utf-8"))
CURSORS = st.builds(Cursor, st.lists(TEXTS, max_size=4).map(tuple), st.booleans())


def parameters(link: str | None) -> dict[str, str]:
    """Return the query of a link."""
    assert link
    assert not urlsplit(link).netloc
    return dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))


def refuse(text: str, scope: str = "lines:1") -> None:
    with pytest.raises(ValidationFailedError) as raised:
        pagination.decode(text, scope=scope)
    assert raised.value.errors == (FieldError("?cursor", "invalid_cursor"),)


@given(CURSORS, TEXTS)
def test_a_cursor_comes_back_as_it_was(cursor: Cursor, scope: str) -> None:
    """Whatever the sort values are; the text of it is safe in an address."""
    text = pagination.encode(cursor, scope=scope)
    assert pagination.decode(text, scope=scope) == cursor
    assert parameters(pagination.link("/", [], cursor=text)) == {"cursor": text}


@pytest.mark.security
@given(CURSORS, st.data())
def test_any_alteration_is_refused(cursor: Cursor, data: st.DataObject) -> None:
    """One letter more, less or other: nobody edits a cursor."""
    text = pagination.encode(cursor, scope="lines:1")
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters() | st.sampled_from("-_+/=A"))
    changed = text[:place] + letter + text[place + data.draw(st.integers(0, 1)) :]
    if changed != text:
        refuse(changed)
    refuse(text[:place] or "A")


@pytest.mark.security
@pytest.mark.parametrize("length", range(3))
def test_a_cursor_has_one_spelling(length: int) -> None:
    """Base64 has several for the same bytes."""
    text = pagination.encode(Cursor(("x" * length,)), scope="lines:1")
    letters = string.ascii_letters + string.digits + "-_"
    spellings = {f"{text}{'=' * number}" for number in range(4)}
    spellings |= {text[:-1] + letter for letter in letters}
    spellings |= {text.replace("-", "+").replace("_", "/")}
    for each in spellings - {text}:
        refuse(each)


@pytest.mark.security
@given(CURSORS)
def test_a_cursor_is_good_for_its_own_list(cursor: Cursor) -> None:
    """That of another order is none here."""
    refuse(pagination.encode(cursor, scope="lines:2"))


@pytest.mark.security
@given(st.text(min_size=1))
def test_what_we_did_not_make_is_refused(text: str) -> None:
    """Whatever it is, it is no crash."""
    refuse(text)


def test_no_cursor_is_the_beginning() -> None:
    """The first page is asked for without one."""
    assert pagination.decode("", scope="lines:1") is None


BAD: list[tuple[type[pagination.Query], dict[str, str], str, str]] = [
    (PageQuery, {"page": "0"}, "?page", "too_small"),
    (PageQuery, {"page": "10001"}, "?page", "too_large"),
    (PageQuery, {"page_size": "101"}, "?page_size", "too_large"),
    (PageQuery, {"page_size": "ten"}, "?page_size", "invalid_type"),
    (PageQuery, {"limit": "1"}, "?limit", "unknown_parameter"),
    (CursorQuery, {"page_size": "0"}, "?page_size", "too_small"),
    (CursorQuery, {"cursor": "x" * 501}, "?cursor", "too_long"),
    (OffsetQuery, {"limit": "-1"}, "?limit", "too_small"),
    (OffsetQuery, {"limit": "10000"}, "?limit", "too_large"),
    (OffsetQuery, {"offset": "-1"}, "?offset", "too_small"),
    (OffsetQuery, {"offset": "10001"}, "?offset", "too_large"),
]


@pytest.mark.parametrize(("kind", "given_", "pointer", "code"), BAD, ids=range(len(BAD)))
def test_a_bad_parameter(
    kind: type[pagination.Query], given_: dict[str, str], pointer: str, code: str
) -> None:
    """Each bound is refused by name, none is mended silently."""
    with pytest.raises(ValidationError) as raised:
        kind.model_validate(given_)
    assert refused(raised.value).errors == (FieldError(pointer, code),)


@given(st.integers(1, pagination.FURTHEST), st.integers(1, pagination.LARGEST_SIZE))
def test_no_page_is_further_than_the_furthest(page: int, size: int) -> None:
    """However large the number, the database skips a bounded number of rows."""
    offset = PageQuery(page=page, page_size=size).offset
    assert offset == min((page - 1) * size, pagination.FURTHEST)


@given(st.integers(0, 60), st.integers(1, 9))
def test_page_by_page_shows_every_row_once(count: int, size: int) -> None:
    """`next` leads through all of them, and `previous` back to where it came from."""
    rows, seen, page = list(range(count)), list[int](), 1
    while True:
        query = PageQuery(page=page, page_size=size)
        body = pagination.by_page(
            rows[query.offset : query.offset + size],
            count=count,
            query=query,
            path="/orders",
            parameters=[("search", "a b"), ("page", str(page)), ("page_size", str(size))],
        )
        seen += body["results"]
        assert list(body) == ["count", "next", "previous", "results"]
        assert (body["previous"] is None) == (page == 1)
        if page > 1:
            assert parameters(body["previous"])["page"] == str(page - 1)
        if body["next"] is None:
            break
        page += 1
        expected = {"search": "a b", "page": str(page), "page_size": str(size)}
        assert parameters(body["next"]) == expected
    assert seen == rows
    assert page == max(1, -(-count // size))


@given(st.integers(0, 60), st.integers(1, 9), st.integers(0, 70))
def test_limit_and_offset_show_every_row_once(count: int, limit: int, start: int) -> None:
    """`next` leads to the end, `previous` back to the beginning."""
    rows, seen, offset = list(range(count)), list[int](), start
    while True:
        query = OffsetQuery(limit=limit, offset=offset)
        found = rows[offset : offset + limit + 1]
        body = pagination.by_offset(
            found[:limit],
            more=len(found) > limit,
            query=query,
            path="/lines",
            parameters=[("limit", str(limit))],
        )
        seen += body["results"]
        assert list(body) == ["next", "previous", "results"]
        assert (body["previous"] is None) == (offset == 0)
        if offset:
            assert parameters(body["previous"])["offset"] == str(max(offset - limit, 0))
        if body["next"] is None:
            break
        offset = int(parameters(body["next"])["offset"])
    assert seen == rows[start:]


def test_no_link_leads_beyond_the_furthest() -> None:
    """An address that would be refused is not offered."""
    query = OffsetQuery(limit=100, offset=pagination.FURTHEST)
    body = pagination.by_offset([], more=True, query=query, path="/lines", parameters=[])
    assert body["next"] is None


def turn(rows: list[int], size: int, text: str) -> tuple[list[int], dict[str, Any]]:
    """Answer one page of a list of numbers by cursor, as an endpoint does."""
    cursor = pagination.decode(text, scope="numbers")
    found = sorted(rows)
    if cursor and cursor.backwards:
        found = [row for row in reversed(found) if row < int(cursor.position[0])]
    elif cursor:
        found = [row for row in found if row > int(cursor.position[0])]
    page, links = pagination.by_cursor(
        found[: size + 1],
        cursor=cursor,
        query=CursorQuery(cursor=text, page_size=size),
        scope="numbers",
        position=lambda row: (str(row),),
        path="/numbers",
        parameters=[("cursor", text), ("page_size", str(size))] if text else [],
    )
    assert list(links) == ["next", "previous"]
    return page, links


@given(st.sets(st.integers(), max_size=40), st.integers(1, 7))
def test_cursors_lead_to_the_end_and_back(numbers: set[int], size: int) -> None:
    """Forwards every row comes once, backwards the same ones come again."""
    rows = sorted(numbers)
    page, links = turn(rows, size, "")
    assert links["previous"] is None
    seen = list(page)
    while links["next"]:
        page, links = turn(rows, size, parameters(links["next"])["cursor"])
        assert links["previous"]
        seen += page
    assert seen == rows
    back = list(page)
    while links["previous"]:
        page, links = turn(rows, size, parameters(links["previous"])["cursor"])
        assert links["next"] or not page
        back = page + back
    assert back == rows


@given(st.sets(st.integers(0, 99), min_size=1), st.integers(1, 7), st.data())
def test_rows_that_come_and_go_move_no_other(
    numbers: set[int], size: int, data: st.DataObject
) -> None:
    """Between pages anything may be added or deleted: what stays is seen exactly once."""
    rows, text, seen = set(numbers), "", list[int]()
    stays = set(numbers)
    while True:
        page, links = turn(list(rows), size, text)
        seen += page
        if not links["next"]:
            break
        text = parameters(links["next"])["cursor"]
        gone = data.draw(st.sets(st.sampled_from(sorted(rows)))) if rows else set()
        rows = (rows - gone) | data.draw(st.sets(st.integers(0, 99), max_size=5))
        stays &= rows
    assert len(seen) == len(set(seen))
    assert stays <= set(seen)
    assert seen == sorted(seen)
