"""Passwords are hashed as strongly as in production, and nobody waits for it."""

import asyncio

import pytest

from accounts import hashing
from config.environment import load


async def test_a_password_matches_its_hash() -> None:
    """And no other one does."""
    hashed = await hashing.make("correct horse battery")
    assert hashed.startswith("$argon2id$")
    assert await hashing.matches("correct horse battery", hashed)
    assert not await hashing.matches("wrong horse battery", hashed)


@pytest.mark.security
@pytest.mark.parametrize("hashed", ["", "!"])
async def test_what_is_no_hash_matches_nothing(hashed: str) -> None:
    """Not even itself."""
    assert not await hashing.matches(hashed, hashed)


@pytest.mark.security
async def test_production_hashes_as_owasp_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """19 MiB and two passes, away from the event loop; a weaker hash is outdated."""
    weak = await hashing.make("correct horse battery")
    assert not hashing.is_outdated(weak)
    changed = load().model_copy(update={"environment": "production"})
    monkeypatch.setattr(hashing, "load", lambda: changed)
    hashing.hasher.cache_clear()
    try:
        assert hashing.is_outdated(weak)
        work = asyncio.create_task(hashing.make("correct horse battery"))
        turns = 0
        while not work.done():
            turns += 1
            await asyncio.sleep(0)
        hashed = await work
    finally:
        hashing.hasher.cache_clear()
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert turns > 2  # others had their turn meanwhile
