"""Who may do what with whose."""

import uuid
from itertools import product
from typing import NamedTuple

import pytest

from access import rules
from access.rules import Rule

OWN, OTHERS = uuid.uuid4(), uuid.uuid4()
OWNERS = {"own": OWN, "others": OTHERS, "nobody's": None}


class Actor(NamedTuple):
    """Who asks."""

    id: uuid.UUID
    is_admin: bool
    is_superuser: bool


USER, ADMIN = Actor(OWN, False, False), Actor(OWN, True, False)
SUPERUSER = Actor(OWN, True, True)
ACTORS = {"user": USER, "admin": ADMIN, "superuser": SUPERUSER}
# Rule, and what it lets pass: who, whose, and how.
TABLE: list[tuple[Rule, set[tuple[str, str, bool]]]] = [
    (rules.authenticated, set(product(ACTORS, OWNERS, [True, False]))),
    (rules.admin, set(product(["admin", "superuser"], OWNERS, [True, False]))),
    (rules.superuser, set(product(["superuser"], OWNERS, [True, False]))),
    (rules.owner, set(product(ACTORS, ["own"], [True, False]))),
    (
        rules.owner_or_read_only,
        set(product(ACTORS, OWNERS, [True])) | set(product(ACTORS, ["own"], [False])),
    ),
    (
        rules.owner_or_admin,
        set(product(["admin", "superuser"], OWNERS, [True, False]))
        | set(product(["user"], ["own"], [True, False])),
    ),
]


@pytest.mark.security
@pytest.mark.parametrize(("rule", "passes"), TABLE, ids=[rule.__name__ for rule, _ in TABLE])
def test_a_rule_lets_pass_what_it_says_and_nothing_else(
    rule: Rule, passes: set[tuple[str, str, bool]]
) -> None:
    """Every actor, every owner, reading and writing."""
    asked = product(ACTORS, OWNERS, [True, False])
    assert {each for each in asked if rule(ACTORS[each[0]], OWNERS[each[1]], each[2])} == passes
