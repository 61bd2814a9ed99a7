"""Rules as permissions of views."""

import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework.permissions import BasePermission
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from access import permissions
from accounts.models import User

pytestmark = pytest.mark.security
OWNER, STRANGER = User(id=uuid.uuid4()), User(id=uuid.uuid4())
ADMIN, SUPERUSER = User(id=uuid.uuid4(), is_staff=True), User(id=uuid.uuid4(), is_superuser=True)
WHO: dict[str, Any] = {
    "owner": OWNER,
    "stranger": STRANGER,
    "admin": ADMIN,
    "superuser": SUPERUSER,
    "nobody": None,
}
EVERYBODY = {"owner", "stranger", "admin", "superuser"}
# Who may read something of the owner's, and who may change it.
MAY: dict[type[BasePermission], tuple[set[str], set[str]]] = {
    permissions.IsAuthenticated: (EVERYBODY, EVERYBODY),
    permissions.IsAdmin: ({"admin", "superuser"}, {"admin", "superuser"}),
    permissions.IsSuperuser: ({"superuser"}, {"superuser"}),
    permissions.IsOwner: ({"owner"}, {"owner"}),
    permissions.IsOwnerOrReadOnly: (EVERYBODY, {"owner"}),
    permissions.IsOwnerOrAdmin: ({"owner", "admin", "superuser"},) * 2,
}


def may(kind: type[BasePermission], who: str, method: str) -> bool:
    """Return whether somebody gets at a thing of the owner's, through both questions."""
    request: Any = getattr(APIRequestFactory(), method)("/")
    request.user = WHO[who]
    view, thing = APIView(), SimpleNamespace(owner_id=OWNER.id)
    asked = kind()
    return asked.has_permission(request, view) and asked.has_object_permission(request, view, thing)


@pytest.mark.parametrize("kind", MAY, ids=lambda kind: kind.__name__)
def test_who_may(kind: type[BasePermission]) -> None:
    """Each class lets in whom its rule names, to read and to change, and nobody unknown."""
    reads, changes = MAY[kind]
    assert {who for who in WHO if may(kind, who, "get")} == reads
    assert {who for who in WHO if may(kind, who, "head")} == reads
    assert {who for who in WHO if may(kind, who, "patch")} == changes
    assert {who for who in WHO if may(kind, who, "delete")} == changes


@pytest.mark.parametrize("kind", [permissions.IsAdmin, permissions.IsSuperuser])
def test_a_list_is_refused_at_once(kind: type[BasePermission]) -> None:
    """What is about nobody's thing in particular is refused before a thing is looked for."""
    request: Any = APIRequestFactory().get("/")
    request.user = OWNER
    assert not kind().has_permission(request, APIView())


def test_nobody_has_a_role() -> None:
    """Who is unknown is not even looked up."""
    request: Any = APIRequestFactory().get("/")
    request.user = None
    assert not permissions.role_with("users.read")().has_permission(request, APIView())
