"""The probes' answers, the same for every framework.

They touch no session, pool or user, and are answered before hosts, TLS or load matter.
"""

from config.environment import load
from health.checks import Report
from health.draining import is_draining

LIVE, READY, HEALTH = "/live", "/ready", "/health"
ALIASES = {"/healthz": HEALTH}
HEADERS = {"Cache-Control": "no-store"}

Answer = tuple[int, dict[str, object]]


def probe_of(path: str) -> str | None:
    """Return the probe that `path` asks for, with or without a trailing slash, or None."""
    path = path.removesuffix("/")
    path = ALIASES.get(path, path)
    return path if path in {LIVE, READY, HEALTH} else None


def live() -> Answer:
    """Say that the process can answer."""
    return 200, {"status": "ok"}


def answer(probe: str, report: Report) -> Answer:
    """Return status and body of READY or HEALTH.

    READY is 503 when a critical dependency is away, migrations are pending or the
    process drains; HEALTH is 503 when anything is wrong.
    """
    critical = {*load().readiness_critical, "migrations", "process"}
    checks = {"process": "draining" if is_draining() else "up", **report.checks}
    wrong = {name for name, state in checks.items() if state != "up"}
    status = "down" if wrong & critical else "degraded" if wrong else "ok"
    fails = wrong if probe == HEALTH else wrong & critical
    return 503 if fails else 200, {"status": status, "checks": checks}
