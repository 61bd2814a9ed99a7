"""Access tokens: what they say, and who may say so. Both frameworks use this one module."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import jwt

from accounts.errors import InvalidTokenError
from config import identity
from config.environment import load

ALGORITHM = "HS256"
AUDIENCE = f"{identity.NAME}:api"
LEEWAY = 30  # seconds that clocks may differ
CLAIMS = ["iss", "aud", "sub", "iat", "nbf", "exp", "jti"]


@lru_cache(maxsize=1)
def _keys() -> dict[str, bytes]:
    """Return the signing key by its id."""
    given = load().jwt_signing_key
    # Keys as short as development's are stretched; a key's id tells nothing about it.
    key = hashlib.sha256(b"access:" + given.get_secret_value().encode() if given else b"").digest()
    return {hashlib.sha256(b"id:" + key).hexdigest()[:16]: key}


def issue(user_id: uuid.UUID) -> tuple[str, int]:
    """Return a new access token of a user, and the seconds it is good for."""
    now, lifetime = datetime.now(UTC), load().access_token_lifetime
    (key_id, key), *_ = _keys().items()
    claims = {
        "iss": identity.NAME,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "iat": now,
        "nbf": now,
        "exp": now + timedelta(seconds=lifetime),
        "jti": uuid.uuid4().hex,
    }
    headers = {"kid": key_id, "typ": "at+jwt"}
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers=headers), lifetime


def user_of(authorization: str | None) -> uuid.UUID | None:
    """Return whose token the `Authorization` header bears; None where there is no header.

    Raises:
        InvalidTokenError: it bears no token, or one that is not ours, altered, or out of time.
    """
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    try:
        header = jwt.get_unverified_header(token)
        if scheme.lower() != "bearer" or header.get("typ") != "at+jwt":
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
        return uuid.UUID(claims["sub"])
    # A key id that is no string, or an unknown one; a subject that is no id.
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
        raise InvalidTokenError from None
