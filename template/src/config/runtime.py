"""How much machine there is: CPUs and memory of the container, not of its host."""

import math
import os
from pathlib import Path

from config.environment import ConfigurationError, Environment

CGROUP = Path("/sys/fs/cgroup")
MOST_WORKERS = 256
MEMORY_PER_WORKER = 150 * 1024**2  # bytes; a web process at rest takes about half of it


def cpus(cgroup: Path = CGROUP) -> int:
    """Return the CPUs this process may use, at least 1; a quota of 1.5 counts as 2."""
    has_affinity = hasattr(os, "sched_getaffinity")
    available = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    quota, period = (*_words(cgroup / "cpu.max"), "", "")[:2]
    if not quota:  # cgroup v1
        quota = (_words(cgroup / "cpu/cpu.cfs_quota_us") or [""])[0]
        period = (_words(cgroup / "cpu/cpu.cfs_period_us") or [""])[0]
    if quota.isdigit() and period.isdigit() and int(period):
        available = min(available, math.ceil(int(quota) / int(period)))
    return max(available, 1)


def memory(cgroup: Path = CGROUP) -> int | None:
    """Return the memory limit in bytes, or None where there is none."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        words = _words(cgroup / name)
        # Without a limit v2 says "max", v1 a number beyond any machine.
        if words and words[0].isdigit() and int(words[0]) < 2**60:
            return int(words[0])
    return None


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def web_workers(settings: Environment, connections: int, cgroup: Path = CGROUP) -> int:
    """Return the number of web processes, within the database's `connections`.

    Raises:
        ConfigurationError: the processes together could exceed what the database allows.
    """
    # One process more while one is recycled; each has a connection beside its pool for probes.
    most = connections // ((settings.database_pool_max + 1) * settings.replicas) - 1
    if settings.database_pgbouncer:
        most = MOST_WORKERS
    if most < 1 or (settings.web_concurrency or 1) > most:
        used = "(processes + 1) x (DATABASE_POOL_MAX + 1) x REPLICAS"
        allowed = f"the {connections} connections that PostgreSQL allows"
        raise ConfigurationError([f"WEB_CONCURRENCY: {used} exceed {allowed}"])
    if settings.web_concurrency:
        return settings.web_concurrency
    limit = memory(cgroup)
    room = max(limit // MEMORY_PER_WORKER, 1) if limit else most
    return min(cpus(cgroup), room, most)
