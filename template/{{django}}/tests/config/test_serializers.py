"""Wire shapes are strict when they are read, and complete when they are written."""

from typing import Any

import pytest
from rest_framework.exceptions import ValidationError
from rest_framework.fields import ListField

from accounts.models import User
from config.serializers import CharField, ChoiceField, LazyLoadError, Serializer, UUIDField


class OrderSerializer(Serializer):
    """One field of each kind."""

    id = UUIDField(required=False)
    name = CharField(max_length=3)
    code = CharField(pattern=r"[a-z]+", lower=True, allow_blank=True, default="")
    kind = ChoiceField(["a", "b"], required=False)
    lines = ListField(child=CharField(), required=False)


def faults(data: Any) -> Any:
    """Return the codes of what is wrong."""
    with pytest.raises(ValidationError) as caught:
        OrderSerializer(data=data).is_valid(raise_exception=True)
    return caught.value.get_codes()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([], {"#": ["invalid_type"]}),
        (None, {"#": ["null"]}),
        ({}, {"name": ["required"]}),
        ({"name": "a", "more": 1}, {"more": ["unknown_field"]}),
        ({"name": 1, "kind": ["a"]}, {"name": ["invalid_type"], "kind": ["invalid_type"]}),
        ({"name": "abcd", "code": "A1"}, {"name": ["max_length"], "code": ["invalid_format"]}),
        ({"name": "a", "id": "0" * 32}, {"id": ["invalid_format"]}),
        ({"name": "a", "id": 5}, {"id": ["invalid_type"]}),
        ({"name": "a", "lines": ["x", 1]}, {"lines": {1: ["invalid_type"]}}),
        ({"name": "\x00"}, {"name": ["null_characters_not_allowed"]}),
    ],
)
def test_every_fault_is_named(data: Any, expected: Any) -> None:
    """A number is no text, and a name that nobody knows is no name."""
    assert faults(data) == expected


def test_what_is_good_is_taken() -> None:
    """Blanks around a text are left out, a default comes in."""
    serializer = OrderSerializer(data={"name": " ab ", "kind": "a"})
    assert serializer.is_valid()
    assert serializer.validated_data == {"name": "ab", "code": "", "kind": "a"}


class LazySerializer(Serializer):
    """A shape whose view forgot to load something."""

    email = CharField()


@pytest.mark.integration
@pytest.mark.django_db
def test_a_query_while_an_answer_is_written_fails() -> None:
    """Where many rows are shown it would be one for each."""
    User.objects.create_user("ada@example.org")
    user = User.objects.defer("email").get()
    with pytest.raises(LazyLoadError):
        LazySerializer(user).data  # noqa: B018 - it is a property
