"""Bases of wire shapes: no field is ignored, text is not converted, nothing is loaded late."""

import re
from contextlib import nullcontext
from typing import Any, NoReturn

from django.db import connection
from drf_spectacular.drainage import set_override
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import empty

from config.environment import load
from config.validation import UUID

_IS_GUARDED = load().environment != "production"


class LazyLoadError(Exception):
    """An answer needs what its selector did not load; nobody would see it but by its slowness."""


def _refuse(*_: object) -> NoReturn:
    raise LazyLoadError


class Serializer(serializers.Serializer[Any]):
    """A shape that refuses fields it does not know, and queries while it is written."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the values, or name all faults at once."""
        if not isinstance(data, dict):
            raise ValidationError({"#": [ErrorDetail("", "invalid_type")]})
        unknown = data.keys() - {field.field_name for field in self._writable_fields}
        faults: dict[str, Any] = {name: [ErrorDetail("", "unknown_field")] for name in unknown}
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            faults |= dict(error.detail.items())  # type: ignore[union-attr]
        if faults:
            raise ValidationError(faults)
        return values

    def to_representation(self, instance: Any) -> Any:
        """Return the answer's values."""
        with connection.execute_wrapper(_refuse) if _IS_GUARDED else nullcontext():
            return super().to_representation(instance)


class _StrictField(serializers.Field[Any, Any, Any, Any]):
    """A field that takes no other type of JSON for text, nor text that is not as it should be."""

    pattern = ""
    allow_blank = False

    def run_validation(self, data: Any = empty) -> Any:
        if data is not empty and data is not None:
            if not isinstance(data, str):
                raise ValidationError(code="invalid_type")
            may_be = not self.pattern or (data == "" and self.allow_blank)
            if not may_be and not re.fullmatch(self.pattern, data, re.ASCII):
                raise ValidationError(code="invalid_format")
        return super().run_validation(data)


class CharField(_StrictField, serializers.CharField):
    """Text; with a `pattern` it is taken as it is, with `lower` it is kept in lower case."""

    def __init__(self, *, pattern: str = "", lower: bool = False, **options: Any) -> None:
        """Take what Django's has, too."""
        super().__init__(**({"trim_whitespace": not pattern} | options))
        self.pattern, self._lower = pattern, lower
        if pattern and not self.allow_blank:
            known = {"type": "string", "pattern": pattern, "maxLength": self.max_length}
            set_override(self, "field", known)

    def to_internal_value(self, data: Any) -> str:
        """Return the text, before its length is looked at: some letters become two."""
        text = str(super().to_internal_value(data))
        return text.lower() if self._lower else text


class ChoiceField(_StrictField, serializers.ChoiceField):
    """One of some texts."""


class UUIDField(_StrictField, serializers.UUIDField):
    """An id, written as ids are."""

    pattern = UUID


class BooleanField(serializers.BooleanField):
    """True or false, and no word or number for it."""

    def to_internal_value(self, data: Any) -> bool:
        """Return what JSON says."""
        if not isinstance(data, bool):
            raise ValidationError(code="invalid_type")
        return data
