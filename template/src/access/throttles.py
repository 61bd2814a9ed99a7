"""How often: named policies, the routes they are for, and the buckets behind them.

A bucket holds as many tokens as its limit and fills evenly over the limit's window. All of a
request's buckets are looked at and drawn from in one step in Redis, so that processes agree;
while Redis is away each process keeps buckets of its own.

A domain adds policies in `POLICIES` of `apps/<domain>/throttles.py`, as `{"exports": "10/day"}`,
and names their routes in `ROUTES`, as `{"POST /api/v1/exports/{export_id}": "exports"}`.
"""

import hashlib
import math
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import structlog
from redis.exceptions import RedisError

from access import public
from access.networks import address_of
from accounts import tokens
from accounts.errors import InvalidTokenError
from config import domains, redis
from config.environment import RATE, load
from config.errors import ThrottledError
from config.resilience import Breaker
from observability import metrics

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
LOCAL_BUCKETS = 10_000  # of a process; those not used for longest are forgotten
REDIS_SECONDS = 0.5  # a request waits no longer for its buckets
READS = {"GET", "HEAD"}
ROUTES = {
    "POST /api/v1/auth/register": "strict",
    "POST /api/v1/auth/token": "strict",
    "POST /api/v1/auth/password": "strict",
}
# A bucket is the moment at which it will be full again. Redis's own clock counts, in microseconds.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full, wait = {}, 0
for i, key in ipairs(KEYS) do
    local most, step = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    full[i] = math.max(tonumber(redis.call('GET', key) or now), now) + step
    wait = math.max(wait, full[i] - now - most)
end
for i, key in ipairs(KEYS) do
    if wait > 0 then
        full[i] = full[i] - tonumber(ARGV[2 * i])
    else
        local rest = math.ceil((full[i] - now) / 1000)
        redis.call('SET', key, string.format('%d', full[i]), 'PX', rest)
    end
    full[i] = full[i] - now
end
return {wait, unpack(full)}
"""

log = structlog.stdlib.get_logger("throttle")


class Limit(NamedTuple):
    """So many requests in so many seconds."""

    name: str
    quota: int
    window: int

    @property
    def step(self) -> int:
        """Microseconds in which one request's worth flows back."""
        return max(self.window * 1_000_000 // self.quota, 1)

    @property
    def most(self) -> int:
        """Microseconds until an empty bucket is full; no remainder of the step costs a request."""
        return self.step * self.quota


class Draw(NamedTuple):
    """What one request draws from: the limits of a policy, and the keys of their buckets."""

    policy: str
    limits: tuple[Limit, ...]
    keys: tuple[str, ...]

    @property
    def arguments(self) -> list[int]:
        """Arguments of `SCRIPT`."""
        return [number for limit in self.limits for number in (limit.most, limit.step)]


class Verdict(NamedTuple):
    """Microseconds to wait, 0 for a request that may pass, and until each bucket is full again."""

    wait: int
    full: tuple[int, ...]


@lru_cache(maxsize=1)
def policies() -> dict[str, tuple[Limit, ...]]:
    """Return the limits of every policy by its name."""
    settings = load()
    rates: dict[str, Sequence[str]] = {
        "anonymous": settings.throttle_anonymous,
        "user": settings.throttle_user,
        "strict": settings.throttle_strict,
        "burst": settings.throttle_burst,
    }
    for domain in domains.modules("throttles"):
        rates |= {name: rate.split(",") for name, rate in domain.POLICIES.items()}
    return {name: tuple(_limit(name, rate) for rate in each) for name, each in rates.items()}


def _limit(policy: str, rate: str) -> Limit:
    found = RATE.fullmatch(rate.strip())
    if found is None:
        raise ValueError(f"{policy}: a rate is written as 20/minute")
    return Limit(f"{policy}-{found[2]}", int(found[1]), SECONDS[found[2]])


@lru_cache(maxsize=1)
def _routes() -> list[tuple[re.Pattern[str], tuple[str, bool]]]:
    """Return routes with a policy of their own: that policy, and whether anybody may ask."""
    found = dict(ROUTES)
    for domain in domains.modules("throttles"):
        found |= domain.ROUTES
    if unknown := set(found.values()) - policies().keys():
        raise ValueError(f"there are routes for policies that are not there: {sorted(unknown)}")
    return [(_pattern(r), (policy, r in public.routes())) for r, policy in found.items()]


def check() -> None:
    """Find what is wrong with the policies and routes of domains before the first request does.

    Raises:
        ValueError: a rate is not written as one, or a route has a policy that is not there.
    """
    _routes()


def _pattern(route: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(route)))


def draw_of(method: str, path: str, authorization: str | None, client: str) -> Draw:
    """Return what a request draws from.

    Users are told apart by their token, which need only be genuine here; strangers by their
    address, those of IPv6 by their network of 64 bits. Where a public route has a policy of its
    own, everybody is a stranger: else tokens of many accounts were as many tries to log in.
    """
    try:
        claims = tokens.read(authorization)
    except InvalidTokenError:
        claims = None
    asked = f"{'GET' if method == 'HEAD' else method} {path}"
    rules = (rule for route, rule in _routes() if route.fullmatch(asked))
    policy, is_public = next(rules, ("", False))
    if not policy:
        policy = "anonymous" if claims is None else "user" if method in READS else "burst"
    who = _place(client) if claims is None or is_public else f"user:{claims.user_id}"
    # Who can read Redis learns no address: without the key all of IPv4 is tried in minutes.
    digest = hashlib.blake2b(who.encode(), digest_size=16, key=_key()).hexdigest()
    limits = policies()[policy]
    prefix = f"{redis.prefix(load())}:throttle"
    return Draw(policy, limits, tuple(f"{prefix}:{limit.name}:{digest}" for limit in limits))


def _place(client: str) -> str:
    address = address_of(client)
    if address is not None and address.version == 6:
        return f"network:{int(address) >> 64:x}"
    return f"address:{address or client}"


@lru_cache(maxsize=1)
def _key() -> bytes:
    secret = load().secret_key
    return hashlib.sha256(secret.get_secret_value().encode() if secret else b"").digest()


class LocalBuckets:
    """The buckets of one process, for when Redis is away."""

    def __init__(self) -> None:
        """Start with all buckets full."""
        self._full_at: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def draw(self, draw: Draw) -> Verdict:
        """Draw as `SCRIPT` does."""
        with self._lock:
            now = int(time.monotonic() * 1e6)
            before = [max(self._full_at.get(key, now), now) for key in draw.keys]
            after = [at + limit.step for at, limit in zip(before, draw.limits, strict=True)]
            pairs = zip(after, draw.limits, strict=True)
            wait = max([0, *(at - now - limit.most for at, limit in pairs)])
            kept = before if wait else after
            for key, at in zip(draw.keys, kept, strict=True):
                self._full_at[key] = at
                self._full_at.move_to_end(key)
            while len(self._full_at) > LOCAL_BUCKETS:
                self._full_at.popitem(last=False)
        return Verdict(wait, tuple(at - now for at in kept))


class Buckets:
    """Buckets in Redis, with a stand-in; an adapter for each framework calls its script."""

    def __init__(self) -> None:
        """Count Redis as present."""
        self._breaker, self._local = Breaker(), LocalBuckets()

    def tries_redis(self) -> bool:
        """Return whether Redis is to be asked; else take `stand_in`."""
        return self._breaker.allows()

    def answered(self, found: Sequence[Any]) -> Verdict:
        """Return what Redis said."""
        if self._breaker.succeeded():
            log.info("throttle_fallback_end")
        wait, *full = map(int, found)
        return Verdict(wait, tuple(full))

    def failed(self, error: RedisError) -> None:
        """Note that Redis is away."""
        if self._breaker.failed():
            log.warning("throttle_fallback_begin", error=type(error).__name__)

    def stand_in(self, draw: Draw) -> Verdict:
        """Draw from this process's own buckets."""
        return self._local.draw(draw)


def client_options() -> dict[str, Any]:
    """Return the connection options of the adapters' clients: no request waits long here."""
    seconds = min(REDIS_SECONDS, load().redis_timeout)
    return {
        "socket_connect_timeout": seconds,
        "socket_timeout": seconds,
        "max_connections": load().max_concurrent_requests,
    }


def headers(draw: Draw, verdict: Verdict) -> dict[str, str]:
    """Return what the answer tells the client, as draft-ietf-httpapi-ratelimit-headers has it.

    `r` is how many requests are left, `t` the seconds until all of the quota is there again.
    """
    policy = ", ".join(f'"{limit.name}";q={limit.quota};w={limit.window}' for limit in draw.limits)
    left = []
    for limit, full in zip(draw.limits, verdict.full, strict=True):
        remaining = max((limit.most - full) // limit.step, 0)
        left.append(f'"{limit.name}";r={remaining};t={math.ceil(full / 1e6)}')
    return {"RateLimit-Policy": policy, "RateLimit": ", ".join(left)}


def refusal(draw: Draw, verdict: Verdict) -> ThrottledError | None:
    """Return the refusal of a request that comes too soon."""
    if not verdict.wait:
        return None
    metrics.throttle_denials.labels(draw.policy).inc()
    error = ThrottledError()
    error.retry_after = math.ceil(verdict.wait / 1e6)
    return error
