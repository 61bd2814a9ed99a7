"""A client that has the current version is told so, and nothing else."""

import pytest
from fastapi import Response

from config.conditional import Conditional


def tag_of(*version: object) -> str:
    response = Response()
    assert Conditional(response).unchanged(*version) is None
    return response.headers["ETag"]


def test_a_version_has_a_weak_tag() -> None:
    """Of its own; the answer may be kept, if it is asked for each time."""
    assert tag_of(1, 2).startswith('W/"')
    assert tag_of(1, 2) == tag_of(1, 2)
    assert tag_of(1, 2) != tag_of(1, 3)


@pytest.mark.parametrize("known", ["{}", '"other", {}', "*", "{strong}"])
def test_the_current_version(known: str) -> None:
    """However it is named, it is 304 with the same headers and no body."""
    tag = tag_of(1)
    given = known.format(tag, strong=tag.removeprefix("W/"))
    answer = Conditional(Response(), given).unchanged(1)
    assert answer
    assert (answer.status_code, answer.body) == (304, b"")
    assert answer.headers["ETag"] == tag
    assert answer.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("known", ["", '"other"', "nonsense", 'W/""'])
def test_another_version(known: str) -> None:
    """The answer follows."""
    assert Conditional(Response(), known).unchanged(1) is None
