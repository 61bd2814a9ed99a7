"""Access and refresh tokens: what they say, and who may say so. Both frameworks use this module.

A login begins a family: one refresh token after the other, each good for one use, and their
access tokens. The family is a row of `access_token_family`; while it is there and not revoked,
its tokens are good.
"""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import jwt

from accounts.errors import InvalidTokenError
from config import identity
from config.environment import load

ALGORITHM = "HS256"
AUDIENCE = f"{identity.NAME}:api"
LEEWAY = 30  # seconds that clocks may differ
CLAIMS = ["iss", "aud", "sub", "fam", "iat", "nbf", "exp", "jti"]
ACCESS, REFRESH = "at+jwt", "rt+jwt"


class Claims(NamedTuple):
    """Whose token it is, of which family, and its own id."""

    user_id: uuid.UUID
    family_id: uuid.UUID
    token_id: uuid.UUID


class Tokens(NamedTuple):
    """What a login gets; lifetimes are in seconds."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int


@lru_cache(maxsize=1)
def _keys() -> dict[str, bytes]:
    """Return the keys by their ids: the one that signs, then those that still verify."""
    settings = load()
    given = [settings.jwt_signing_key] if settings.jwt_signing_key else []
    # Keys as short as development's are stretched; a key's id tells nothing about it.
    keys = [
        hashlib.sha256(b"access:" + key.get_secret_value().encode()).digest()
        for key in (*given, *settings.jwt_signing_key_fallbacks)
    ]
    return {hashlib.sha256(b"id:" + key).hexdigest()[:16]: key for key in keys}


def issue(claims: Claims) -> Tokens:
    """Return a refresh token with this id, and an access token beside it."""
    access, refresh = load().access_token_lifetime, load().refresh_token_lifetime
    return Tokens(
        _signed(claims._replace(token_id=uuid.uuid4()), ACCESS, access),
        access,
        _signed(claims, REFRESH, refresh),
        refresh,
    )


def _signed(claims: Claims, kind: str, lifetime: int) -> str:
    now = datetime.now(UTC)
    (key_id, key), *_ = _keys().items()
    said = {
        "iss": identity.NAME,
        "aud": AUDIENCE,
        "sub": str(claims.user_id),
        "fam": str(claims.family_id),
        "jti": str(claims.token_id),
        "iat": now,
        "nbf": now,
        "exp": now + timedelta(seconds=lifetime),
    }
    return jwt.encode(said, key, algorithm=ALGORITHM, headers={"kid": key_id, "typ": kind})


def read(authorization: str | None) -> Claims | None:
    """Return what the token in an `Authorization` header says; None where there is no header.

    Raises:
        InvalidTokenError: there is no access token in it, or one not ours, altered, out of time.
    """
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise InvalidTokenError
    return _read(token, ACCESS)


def read_refresh(token: str) -> Claims:
    """Return what a refresh token says.

    Raises:
        InvalidTokenError: it is none, or not ours, altered, out of time.
    """
    return _read(token, REFRESH)


def _read(token: str, kind: str) -> Claims:
    try:
        header = jwt.get_unverified_header(token)
        if header.get("typ") != kind:
            raise InvalidTokenError
        claims = jwt.decode(
            token,
            _keys()[header["kid"]],
            algorithms=[ALGORITHM],
            issuer=identity.NAME,
            audience=AUDIENCE,
            leeway=LEEWAY,
            options={"require": CLAIMS},
        )
        return Claims(*(uuid.UUID(claims[name]) for name in ("sub", "fam", "jti")))
    # A key id that is no string, or an unknown one; an id that is none.
    except (jwt.InvalidTokenError, AttributeError, KeyError, TypeError, ValueError):
        raise InvalidTokenError from None
