"""Argon2id, away from the event loop."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from accounts.passwords import KIBIBYTES, LANES, PASSES
from config.environment import load

# Each keeps a processor busy, so there are few.
_workers = ThreadPoolExecutor(4, "hashing")


@lru_cache(maxsize=1)
def hasher() -> PasswordHasher:
    """Return what hashes here; in tests it is weak, for the sake of time."""
    if load().environment == "test":
        return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    return PasswordHasher(PASSES, KIBIBYTES, LANES)


def _matches(password: str, hashed: str) -> bool:
    try:
        return hasher().verify(hashed, password)
    except VerifyMismatchError:
        return False
    except InvalidHashError:
        hasher().hash(password)  # so that it takes as long as if there were one
        return False


async def make(password: str) -> str:
    """Return the hash of a password."""
    return await asyncio.get_running_loop().run_in_executor(_workers, hasher().hash, password)


async def matches(password: str, hashed: str) -> bool:
    """Return whether the password has this hash; an empty one is nobody's."""
    return await asyncio.get_running_loop().run_in_executor(_workers, _matches, password, hashed)


def is_outdated(hashed: str) -> bool:
    """Return whether the hash was made with other parameters than those of today."""
    return hasher().check_needs_rehash(hashed)
