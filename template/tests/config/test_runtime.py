"""How many processes a container gets: by its own limits, not by its host's."""

import os
from pathlib import Path

import pytest

from config import runtime
from config.environment import ConfigurationError, Environment, load

MEGABYTE = 1024**2
QUOTA_V1, PERIOD_V1 = "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"


@pytest.fixture(autouse=True)
def _host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the host have 8 CPUs, all of them for us."""
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write the files of a control group."""
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"{text}\n")
    return folder


def settings(**changes: object) -> Environment:
    return load().model_copy(update=changes)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "100000 100000"}, 1),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "400000 100000"}, 4),
        ({"cpu.max": "6400000 100000"}, 8),
        ({"cpu.max": "400000"}, 8),
        ({QUOTA_V1: "-1", PERIOD_V1: "100000"}, 8),
        ({QUOTA_V1: "200000", PERIOD_V1: "100000"}, 2),
        ({QUOTA_V1: "200000", PERIOD_V1: "0"}, 8),
        ({QUOTA_V1: "200000"}, 8),
    ],
)
def test_cpus(tmp_path: Path, files: dict[str, str], expected: int) -> None:
    """The quota of either version counts, rounded up; without one, the host does."""
    assert runtime.cpus(write(tmp_path, files)) == expected


def test_cpus_where_affinity_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS there is no affinity, and a machine that does not know itself has one CPU."""
    monkeypatch.delattr(os, "sched_getaffinity")
    assert runtime.cpus(tmp_path) == 8
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert runtime.cpus(tmp_path) == 1


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"memory.max": "max"}, None),
        ({"memory.max": str(512 * MEGABYTE)}, 512 * MEGABYTE),
        ({"memory/memory.limit_in_bytes": str(256 * MEGABYTE)}, 256 * MEGABYTE),
        ({"memory/memory.limit_in_bytes": "9223372036854771712"}, None),
    ],
)
def test_memory(tmp_path: Path, files: dict[str, str], expected: int | None) -> None:
    """A limit of either version counts; a number beyond any machine is none."""
    assert runtime.memory(write(tmp_path, files)) == expected


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("50000", 1), ("100000", 1), ("200000", 2), ("400000", 4), ("max", 8)],
)
def test_one_process_for_each_cpu(tmp_path: Path, quota: str, expected: int) -> None:
    """A quarter of the host gets a quarter of the processes."""
    group = write(tmp_path, {"cpu.max": f"{quota} 100000"})
    assert runtime.web_workers(settings(), 100, group) == expected


@pytest.mark.parametrize(("megabytes", "expected"), [(64, 1), (150, 1), (310, 2), (4096, 4)])
def test_no_more_processes_than_fit_in_memory(
    tmp_path: Path,
    megabytes: int,
    expected: int,
) -> None:
    """A process that the kernel kills serves nobody."""
    limits = {"cpu.max": "400000 100000", "memory.max": str(megabytes * MEGABYTE)}
    assert runtime.web_workers(settings(), 100, write(tmp_path, limits)) == expected


def test_no_more_processes_than_the_database_allows(tmp_path: Path) -> None:
    """One process more than there are, while one is replaced, stays within the connections."""
    assert runtime.web_workers(settings(database_pool_max=10, replicas=2), 97, tmp_path) == 3
    assert runtime.web_workers(settings(database_pool_max=10, replicas=4), 97, tmp_path) == 1


def test_behind_pgbouncer_the_database_sets_no_limit(tmp_path: Path) -> None:
    """There the connections that count are PgBouncer's own."""
    assert runtime.web_workers(settings(database_pgbouncer=True, replicas=9), 20, tmp_path) == 8


def test_a_given_number_of_processes_is_kept(tmp_path: Path) -> None:
    """WEB_CONCURRENCY is not second-guessed, neither by CPUs nor by memory."""
    group = write(tmp_path, {"cpu.max": "50000 100000", "memory.max": str(64 * MEGABYTE)})
    assert runtime.web_workers(settings(web_concurrency=6), 97, group) == 6


@pytest.mark.parametrize(
    "changes",
    [{"web_concurrency": 8}, {"replicas": 5}, {"database_pool_max": 48}],
)
def test_an_over_committed_database_is_refused(tmp_path: Path, changes: dict[str, int]) -> None:
    """The message shows the sum that does not work out."""
    with pytest.raises(ConfigurationError, match=r"REPLICAS exceed the 97 connections"):
        runtime.web_workers(settings(**changes), 97, tmp_path)
