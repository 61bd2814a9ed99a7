"""Metrics in Prometheus's format, the sum of all processes of the service.

Each process writes to files of its own below PROMETHEUS_MULTIPROC_DIR, which the entrypoint
makes; without it, as in tests, metrics are those of this process.
"""

import hmac
import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    values,
)

from config import identity
from config.environment import load

PATH = "/metrics"
METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds

place = "arbiter"  # of this process among those that run; `config.recycling` gives workers theirs
if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    # Not by process id: workers are replaced all the time, and each would leave files behind.
    values.ValueClass = values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]

_own = CollectorRegistry()
request_seconds = Histogram(
    "http_server_request_duration_seconds",
    "Seconds from the first byte of a request to the end of its answer.",
    ["http_request_method", "http_route", "http_response_status_code"],
    buckets=BUCKETS,
    registry=_own,
)
active_requests = Gauge(
    "http_server_active_requests",
    "Requests in progress.",
    multiprocess_mode="livesum",
    registry=_own,
)
exceptions = Counter(
    "http_server_exceptions_total",
    "Requests that ended in a way that nobody expected.",
    ["http_route"],
    registry=_own,
)
cache_fallback = Gauge(
    "cache_fallback",
    "Processes whose cache does without Redis.",
    multiprocess_mode="livesum",
    registry=_own,
)
throttle_denials = Counter(
    "throttle_denials_total", "Requests refused with 429.", ["policy"], registry=_own
)
auth_failures = Counter(
    "auth_failures_total", "Credentials and tokens refused.", ["reason"], registry=_own
)
auth_tokens = Counter(
    "auth_tokens_total", "Tokens issued, refreshed and revoked.", ["event"], registry=_own
)
service_info = Gauge(
    "service_info",
    "Which service this is; always 1.",
    ["version", "template_version"],
    multiprocess_mode="max",
    registry=_own,
)


def request_finished(method: str, route: str | None, status: int, seconds: float) -> None:
    """Count a request. Unknown routes share one label, and so do unknown methods."""
    known = method if method in METHODS else "_OTHER"
    request_seconds.labels(known, route or "", str(status)).observe(seconds)
    if status == 500:
        exceptions.labels(route or "").inc()


def may_scrape(authorization: str | None) -> bool:
    """Return whether the header bears METRICS_TOKEN; without one only production is closed."""
    token = load().metrics_token
    if token is None:
        return load().environment != "production"
    scheme, _, given = (authorization or "").partition(" ")
    expected = token.get_secret_value().encode()
    same = hmac.compare_digest(given.encode(errors="replace"), expected)
    return same and scheme.lower() == "bearer"


def scrape() -> tuple[bytes, str]:
    """Return all metrics, and their media type."""
    service_info.labels(identity.VERSION, identity.TEMPLATE_VERSION).set(1)
    registry = _own
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST


def process_ended(ended: str) -> None:
    """Forget what a process that is no more had in progress; `ended` was its place."""
    multiprocess.mark_process_dead(ended)  # type: ignore[no-untyped-call]
