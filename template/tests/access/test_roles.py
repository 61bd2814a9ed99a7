"""Roles give permissions, those of domains too."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from access import roles
from config import domains


@pytest.fixture
def _domains(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let there be two domains, of which one adds to a role of ours."""
    orders = SimpleNamespace(ROLES={"support": {"orders.read"}, "packer": {"orders.pack"}})
    parcels = SimpleNamespace(ROLES={"packer": {"parcels.seal"}})
    monkeypatch.setattr(domains, "modules", lambda name: {"roles": [orders, parcels]}[name])
    roles.known.cache_clear()
    yield
    roles.known.cache_clear()


@pytest.mark.security
@pytest.mark.usefixtures("_domains")
@pytest.mark.parametrize(
    ("held", "permission", "given"),
    [
        (["support"], "users.read", True),
        (["support"], "orders.read", True),
        (["support"], "orders.pack", False),
        (["packer"], "orders.pack", True),
        (["packer"], "parcels.seal", True),
        (["packer"], "users.read", False),
        (["packer", "support"], "users.read", True),
        (["support"], "users", False),
        (["support"], "users.*", False),
        (["former"], "users.read", False),
        ([], "users.read", False),
    ],
)
def test_a_permission_comes_with_a_role(held: list[str], permission: str, given: bool) -> None:
    """Roles of several domains add up; a role that is no more gives nothing."""
    assert roles.gives(held, permission) is given


@pytest.mark.usefixtures("_domains")
def test_all_roles_are_known() -> None:
    """These can be granted, others cannot."""
    assert roles.known().keys() == {"support", "packer"}
    assert roles.known()["support"] == {"users.read", "orders.read"}
