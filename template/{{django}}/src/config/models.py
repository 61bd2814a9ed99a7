"""Bases of tables, and what services and selectors have in common.

Names follow PostgreSQL's own, `<table>_<columns>_<kind>`.
"""

import uuid
from typing import Any, ClassVar, TypeVar

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from config.errors import NotFoundError

T = TypeVar("T")
M = TypeVar("M", bound=models.Model)


class UpdatedAtField(models.DateTimeField):  # type: ignore[type-arg] # Django lacks it
    """The time of a row's last change; the database sets it first, to that of its creation."""

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Set it again whenever the row is saved."""
        if not add:
            setattr(model_instance, self.attname, timezone.now())
        return super().pre_save(model_instance, add)


class Model(models.Model):
    """What most tables have. The application makes ids, so that it knows them before the row."""

    id = models.UUIDField(
        primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = UpdatedAtField(db_default=Now(), editable=False)

    class Meta:
        """No table of its own."""

        abstract = True


class Index(models.Index):
    """An index that is named by the convention; Django would keep to what Oracle takes."""

    max_name_length: ClassVar[int] = 63  # type: ignore[misc]

    def set_name_with_model(self, model: type[models.Model]) -> None:
        """Name it after its columns."""
        fields: Any = [model._meta.get_field(name) for name, _ in self.fields_orders]
        self.name = "_".join([model._meta.db_table, *(field.column for field in fields), "idx"])


def found(rows: models.QuerySet[Any, T]) -> T:
    """Return the first of the rows.

    Raises:
        NotFoundError: there is none.
    """
    row = rows.first()
    if row is None:
        raise NotFoundError
    return row


def change(row: M, **values: Any) -> M:
    """Store these values of a row and the time, and return it."""
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=[*values, "updated_at"])
    return row
