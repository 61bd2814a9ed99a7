"""Who may do what, without a framework and without a database."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.articles import policies
from apps.articles.policies import DRAFT, PUBLISHED

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
EARLIER = NOW - timedelta(days=1)


@dataclass(frozen=True)
class Somebody:
    """Who asks."""

    id: uuid.UUID
    is_admin: bool = False


OWNER, OTHER, ADMIN = (Somebody(uuid.uuid4(), is_admin=admin) for admin in (False, False, True))


@pytest.mark.security
@pytest.mark.parametrize(
    ("actor", "status", "answer"),
    [
        (OWNER, DRAFT, True),
        (OWNER, PUBLISHED, True),
        (OTHER, DRAFT, False),
        (OTHER, PUBLISHED, True),
        (ADMIN, DRAFT, True),
        (ADMIN, PUBLISHED, True),
    ],
)
def test_who_may_see_an_article(actor: Somebody, status: str, answer: bool) -> None:
    """A draft exists for its author and for admins."""
    assert policies.may_see(actor, status=status, owner_id=OWNER.id) is answer


@pytest.mark.security
@pytest.mark.parametrize(("actor", "answer"), [(OWNER, True), (OTHER, False), (ADMIN, True)])
def test_who_may_change_it(actor: Somebody, answer: bool) -> None:
    """What is published belongs to its author still."""
    assert policies.is_theirs(actor, OWNER.id) is answer


@pytest.mark.security
def test_what_nobody_owns_is_the_admins() -> None:
    """A comment whose author left is nobody else's."""
    assert not policies.is_theirs(OTHER, None)
    assert policies.is_theirs(ADMIN, None)


@pytest.mark.parametrize(
    ("status", "since", "answer"),
    [
        (PUBLISHED, None, NOW),
        (PUBLISHED, EARLIER, EARLIER),
        (DRAFT, EARLIER, None),
        (DRAFT, None, None),
    ],
)
def test_when_an_article_was_published(
    status: str, since: datetime | None, answer: datetime | None
) -> None:
    """At its first publication; one that is withdrawn starts anew."""
    assert policies.published_at(status, since, NOW) == answer


@given(st.lists(st.sampled_from([DRAFT, PUBLISHED])))
def test_an_article_is_out_or_has_no_date(statuses: list[str]) -> None:
    """Whatever happens to it, as the table's own constraint has it."""
    since = None
    for hours, status in enumerate(statuses):
        since = policies.published_at(status, since, NOW + timedelta(hours=hours))
        assert (since is not None) == (status == PUBLISHED)
