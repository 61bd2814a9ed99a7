"""An access token is good for its minutes and for nothing that is not ours."""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from accounts import tokens
from accounts.errors import InvalidTokenError
from config import environment, identity

USER = uuid.UUID("0190163d-8694-739b-aea5-966c26f8ad91")
LOGIN = tokens.Claims(USER, uuid.uuid4(), uuid.uuid4())
Forge = Callable[..., str]

pytestmark = pytest.mark.security


def bearer(token: str) -> uuid.UUID | None:
    """Show a token as a client does."""
    claims = tokens.read(f"Bearer {token}")
    return claims and claims.user_id


def refused(token: str) -> bool:
    try:
        bearer(token)
    except InvalidTokenError as error:
        return error.headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return False


def issued(monkeypatch: pytest.MonkeyPatch, ago: timedelta) -> str:
    """Return a token that was issued some time ago."""

    class Then(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - ago

    with monkeypatch.context() as patched:
        patched.setattr(tokens, "datetime", Then)
        token = tokens.issue(LOGIN).access_token
    return token


def encoded(value: object) -> str:
    """Return a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.fixture(autouse=True)
def _own_keys() -> Iterator[None]:
    """Forget the keys of a test."""
    yield
    tokens._keys.cache_clear()


@pytest.fixture
def forge() -> Forge:
    """Return what signs as we do, with a header and claims of one's own; None leaves one out."""
    ours = tokens.issue(LOGIN).access_token
    good = jwt.decode(ours, options={"verify_signature": False})
    header = jwt.get_unverified_header(ours)
    (own,) = tokens._keys().values()

    def forge(*, key: bytes = own, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        parts = [
            encoded({name: value for name, value in part.items() if value is not None})
            for part in (header | (headers or {}), good | claims)
        ]
        signature = hmac.digest(key, ".".join(parts).encode(), hashlib.sha256)
        return ".".join([*parts, base64.urlsafe_b64encode(signature).decode().rstrip("=")])

    return forge


def test_a_token_names_its_user() -> None:
    """It says for how long it is good, and that in seconds."""
    issued = tokens.issue(LOGIN)
    assert bearer(issued.access_token) == USER
    assert issued.expires_in == environment.load().access_token_lifetime == 300
    assert issued.refresh_expires_in == environment.load().refresh_token_lifetime == 86_400
    assert tokens.read(f"bearer {issued.access_token}") != LOGIN
    assert tokens.read_refresh(issued.refresh_token) == LOGIN


def test_a_token_says_no_more_than_it_must() -> None:
    """Everybody can read it: an id and moments, no address and no role; no two are alike."""
    token = tokens.issue(LOGIN).access_token
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims.keys() == {*tokens.CLAIMS}
    assert (claims["iss"], claims["sub"]) == (identity.NAME, str(USER))
    assert jwt.get_unverified_header(token).keys() == {"alg", "typ", "kid"}
    assert tokens.issue(LOGIN).access_token != token


def test_no_header_is_nobody() -> None:
    """Which is no fault before somebody is needed."""
    assert tokens.read(None) is None


@pytest.mark.parametrize(
    ("seconds", "good"), [(0, True), (299, True), (331, False), (86_400, False)]
)
def test_a_token_has_its_time(monkeypatch: pytest.MonkeyPatch, seconds: int, good: bool) -> None:
    """Five minutes, and half a minute that clocks may differ."""
    token = issued(monkeypatch, timedelta(seconds=seconds))
    assert refused(token) is not good


@pytest.mark.parametrize(("seconds", "good"), [(20, True), (40, False)])
def test_a_token_of_the_future(monkeypatch: pytest.MonkeyPatch, seconds: int, good: bool) -> None:
    """Another machine's clock may be ahead by half a minute, no more."""
    token = issued(monkeypatch, timedelta(seconds=-seconds))
    assert refused(token) is not good


def test_a_forged_token_is_like_ours(forge: Forge) -> None:
    """So the tests below fail for the one thing that they change."""
    assert bearer(forge()) == USER


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody"},
        {"iss": [identity.NAME]},
        {"aud": "somebody:api"},
        {"aud": []},
        {"sub": "1"},
        {"sub": 1},
        {"sub": ""},
        {"fam": "1"},
        {"jti": "another"},
        {"exp": "never"},
        {"exp": -1},
        {"nbf": "now"},
        {"iat": "now"},
        *({name: None} for name in tokens.CLAIMS),
    ],
    ids=str,
)
def test_a_wrong_claim(forge: Forge, claims: dict[str, Any]) -> None:
    """Each is asked for and compared."""
    assert refused(forge(**claims))


@pytest.mark.parametrize(
    "headers",
    [
        {"kid": None},
        {"kid": "unknown"},
        {"kid": ""},
        {"kid": 1},
        {"kid": []},
        {"kid": {}},
        {"kid": True},
        {"kid": "../../dev/null"},
        {"typ": None},
        {"typ": "JWT"},
        {"typ": "rt+jwt"},
        {"crit": ["b64"]},
        {"b64": False},
    ],
    ids=str,
)
def test_a_wrong_header(forge: Forge, headers: dict[str, Any]) -> None:
    """The key is one of ours, and the token was made for access."""
    assert refused(forge(headers=headers))


def test_another_key(forge: Forge) -> None:
    """Nor the empty one, nor the name of ours."""
    (key_id,) = tokens._keys()
    for key in (b"", b"k" * 32, key_id.encode()):
        assert refused(forge(key=key))


@pytest.mark.parametrize("algorithm", ["none", "None", "HS384", "HS512", "RS256", "ES256", "", 1])
def test_another_algorithm(forge: Forge, algorithm: object) -> None:
    """The header does not choose it: not no signature, and not our secret as a public key."""
    token = forge(headers={"alg": algorithm})
    assert refused(token)
    assert refused(token.rpartition(".")[0] + ".")


def test_an_altered_payload(forge: Forge) -> None:
    """A token of one user is not turned into another's."""
    header, _, signature = forge().split(".")
    _, payload, _ = forge(sub=str(uuid.uuid4())).split(".")
    assert refused(f"{header}.{payload}.{signature}")
    assert refused(f"{header}.{payload}.")


def test_the_keys_of_two_services_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token of an instance with another JWT_SIGNING_KEY is refused; SECRET_KEY signs none."""
    token = tokens.issue(LOGIN).access_token
    settings = environment.load()
    swapped = {"jwt_signing_key": settings.secret_key, "secret_key": settings.jwt_signing_key}
    changed = settings.model_copy(update=swapped)
    _use(monkeypatch, changed)
    assert refused(token)
    assert bearer(tokens.issue(LOGIN).access_token) == USER


def test_a_new_key_logs_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What its predecessors signed is good while they are named; the new one alone signs."""
    settings = environment.load()
    names = [SecretStr(name * 60) for name in "abc"]
    issued: list[tokens.Tokens] = []
    for number, key in enumerate(names):
        before = tuple(names[:number])
        changed = {"jwt_signing_key": key, "jwt_signing_key_fallbacks": before}
        _use(monkeypatch, settings.model_copy(update=changed))
        issued.append(tokens.issue(LOGIN))
        assert all(bearer(each.access_token) == USER for each in issued)
        assert all(tokens.read_refresh(each.refresh_token) == LOGIN for each in issued)
    key_ids = {jwt.get_unverified_header(each.access_token)["kid"] for each in issued}
    assert len(key_ids) == len(names)
    _use(monkeypatch, settings.model_copy(update={"jwt_signing_key": names[-1]}))
    assert [refused(each.access_token) for each in issued] == [True, True, False]


def _use(monkeypatch: pytest.MonkeyPatch, settings: environment.Environment) -> None:
    monkeypatch.setattr(tokens, "load", lambda: settings)
    tokens._keys.cache_clear()


def test_what_is_no_token() -> None:
    """No header makes it fail in another way."""
    token = tokens.issue(LOGIN).access_token
    deep = base64.urlsafe_b64encode(b"[" * 6000).decode()
    for header in (
        "",
        "Bearer",
        "Bearer ",
        token,
        f"Basic {token}",
        f"Token {token}",
        f"Bearer  {token}",
        f"Bearer {token} {token}",
        f"Bearer {token}x",
        f"Bearer {token[:-2]}",
        "Bearer ..",
        "Bearer a.b.c",
        "Bearer \udce4.\udce4.\udce4",
        f"Bearer {deep}.e30.e30",
        "Bearer " + "." * 10_000,
    ):
        with pytest.raises(InvalidTokenError):
            tokens.read(header)
