"""Tests of dev/publish.py: which names an image gets. That it stays the same takes a registry."""

import pytest

from dev.publish import check, promote, tags

VERSION = "1.4.0"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"


@pytest.mark.parametrize(
    ("ref", "names"),
    [
        ("refs/heads/main", ["latest"]),
        ("refs/tags/v1.4.0", ["1.4.0", "1.4"]),
    ],
)
def test_what_is_published(ref: str, names: list[str]) -> None:
    """A version never moves `latest`, and main has no version."""
    assert tags(ref, VERSION) == names


@pytest.mark.parametrize(
    "ref",
    [
        "refs/pull/7/merge",
        "refs/heads/feature",
        "refs/heads/v1.4.0",
        "refs/tags/v1.4",
        "refs/tags/1.4.0",
        "refs/tags/v1.4.0-rc.1",
        "refs/tags/v1.3.0",
        "",
    ],
)
@pytest.mark.security
def test_what_is_not(ref: str) -> None:
    """Pull requests, branches and tags of another version get no name."""
    with pytest.raises(SystemExit, match=r"is not published|is no tag of version"):
        tags(ref, VERSION)


@pytest.mark.parametrize(
    "digest", ["", "latest", "sha-0123456", "1.4.0", DIGEST[:-1], f"{DIGEST}\n", DIGEST.upper()]
)
@pytest.mark.security
def test_a_tag_is_no_digest(digest: str) -> None:
    """What is deployed cannot become something else."""
    with pytest.raises(SystemExit, match="is no digest"):
        check(digest)
    with pytest.raises(SystemExit, match="is no digest"):
        promote("registry.example/service", digest, "staging")


def test_an_environment_that_is_none() -> None:
    """The sentence names those that are."""
    with pytest.raises(SystemExit, match="but staging and production"):
        promote("registry.example/service", DIGEST, "prod")
