"""Lists: what their queries may say, checked all at once, and the three kinds of pages.

The rules of pages are those of `config.pagination`; filters are django-filter's.
"""

from datetime import datetime
from typing import Any, ClassVar

import django_filters
import pydantic
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from drf_spectacular.drainage import set_override
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from config import pagination
from config.errors import FieldError, ValidationFailedError
from config.validation import code_of, refused


class _Value(forms.Field):
    """A value of a query."""

    def __init__(self, *, read: Any, **options: Any) -> None:
        self._read = read
        super().__init__(**options)

    def to_python(self, value: str | None) -> Any:
        try:
            return None if value is None else self._read(value)
        except pydantic.ValidationError as error:
            raise ValidationError("", code=code_of(error.errors()[0]["type"])) from None


class Filter(django_filters.Filter):
    """A filter whose value is of one of the types of `config.validation`."""

    field_class = _Value

    def __init__(self, kind: Any, field_name: str | None = None, **options: Any) -> None:
        """Take the type, and whatever django-filter's filters take."""
        adapter = pydantic.TypeAdapter(kind)
        super().__init__(field_name, read=lambda value: adapter.validate_python(value), **options)
        set_override(self, "field", adapter.json_schema())


class Pages(BasePagination):
    """Base of the kinds of pages."""

    query_class: ClassVar[type[pagination.Query]]
    extra_schema: ClassVar[dict[str, Any]] = {}
    frame: dict[str, Any]

    def check(self, view: Any) -> None:
        """Take the parameters of the page; name the faults of the whole query at once."""
        given = view.request.query_params.dict()
        filters = view.filterset_class(given) if view.filterset_class else None
        wrong = filters.errors.as_data().items() if filters else ()
        faults = [FieldError(f"?{name}", found[0].code) for name, found in wrong]
        own = {name: given[name] for name in given.keys() - (filters.filters if filters else ())}
        try:
            self.query: Any = self.query_class.model_validate(own)
        except pydantic.ValidationError as error:
            faults += refused(error).errors
        if faults:
            raise ValidationFailedError(faults)
        path, parameters = view.request.path, given.items()
        self.place: Any = {"query": self.query, "path": path, "parameters": parameters}

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page, around whose rows `paginate_queryset` has laid the `frame`."""
        return Response({**self.frame, "results": data})

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe the parameters."""
        fields = self.query_class.model_json_schema()["properties"].items()
        return [{"name": name, "in": "query", "schema": schema} for name, schema in fields]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page."""
        link = {"type": ["string", "null"]}
        properties = self.extra_schema | {"next": link, "previous": link, "results": schema}
        return {"type": "object", "required": [*properties], "properties": properties}


class PageNumbers(Pages):
    """Pages by number, with a count that ends at `pagination.FURTHEST`."""

    query_class = pagination.PageQuery
    extra_schema: ClassVar = {"count": {"type": "integer"}}

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the rows of the page."""
        reachable = queryset[: pagination.FURTHEST]
        self.frame = pagination.by_page([], count=reachable.values("pk").count(), **self.place)
        return list(reachable[self.query.offset : self.query.offset + self.query.page_size])


class Slices(Pages):
    """Pages by limit and offset."""

    query_class = pagination.OffsetQuery

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the rows of the page, having looked whether another one follows."""
        rows = list(queryset[self.query.offset : self.query.offset + self.query.limit + 1])
        self.frame = pagination.by_offset([], more=len(rows) > self.query.limit, **self.place)
        return rows[: self.query.limit]


class Cursors(Pages):
    """Pages by cursor, the oldest row first; the view's `cursor_scope` names the list."""

    query_class = pagination.CursorQuery

    def check(self, view: Any) -> None:
        """Take the cursor, too."""
        super().check(view)
        self.place["scope"] = view.cursor_scope()
        self.cursor = pagination.decode(self.query.cursor, scope=self.place["scope"])

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the rows of the page."""
        sign, beyond = ("-", "lt") if self.cursor and self.cursor.backwards else ("", "gt")
        if self.cursor:
            moment, key = datetime.fromisoformat(self.cursor.position[0]), self.cursor.position[1]
            later = Q(**{f"created_at__{beyond}": moment}) | Q(**{f"pk__{beyond}": key})
            # The first condition says nothing new, but an index can begin with it.
            queryset = queryset.filter(later, **{f"created_at__{beyond}e": moment})
        rows = queryset.order_by(f"{sign}created_at", f"{sign}pk")[: self.query.page_size + 1]
        page, self.frame = pagination.by_cursor(
            list(rows), cursor=self.cursor, position=_position, **self.place
        )
        return page


def _position(row: Any) -> tuple[str, str]:
    return row.created_at.isoformat(), str(row.pk)
