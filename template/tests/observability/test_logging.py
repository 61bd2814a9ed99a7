"""What a process writes, line by line, as seen from outside."""

import subprocess
import sys
from typing import Any

import pytest

from config import identity
from tests.support import bare_environment, events

PROGRAM = """
import logging, threading, warnings
import structlog
from config.environment import load
from observability import logging as ours
from observability.figures import Figures
from observability.levels import LEVELS

ours.configure(load())
ours.bind_request("r-1")
structlog.stdlib.get_logger("orders").info("order_placed", order=7)
logging.getLogger("orders").info("%s of %s", 1, 2, extra={"request": "?token=hunter2", "shop": 3})
logging.getLogger("orders").debug("detail")
for name, level in LEVELS.items():
    below = logging.INFO if level == "WARNING" else logging.DEBUG
    logging.getLogger(name).log(below, "SELECT 1")
warnings.warn("old", DeprecationWarning, stacklevel=1)
try:
    raise KeyError("order")
except KeyError:
    logging.getLogger("orders").exception("failed")
ours.request_finished(Figures(db_queries=2, db_ms=1.26), duration_ms=501, status=200)
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise RuntimeError("end")
"""


def output(**variables: str) -> str:
    """Return what the program writes, on both streams."""
    addresses = {"DATABASE_URL": "postgresql://app@db/test", "REDIS_URL": "redis://cache"}
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", PROGRAM],
        env=bare_environment(addresses | variables | {"PYTHONPATH": str(identity.ROOT / "src")}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    return done.stdout


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    """Return the program's lines with the defaults of a server, all of them JSON."""
    return events(output(ENVIRONMENT="test"))


def line(lines: list[dict[str, Any]], **wanted: object) -> dict[str, Any]:
    """Return the one line that has these members."""
    found = [each for each in lines if wanted.items() <= each.items()]
    assert len(found) == 1
    return found[0]


def test_every_line_says_who_and_when(lines: list[dict[str, Any]]) -> None:
    """Whoever wrote it: we, a library, a warning, a crash."""
    keys = {"timestamp", "level", "event", "logger", "service", "environment", "version"}
    assert len(lines) == 7
    assert all(each.keys() >= keys | {"role", "pid", "request_id"} for each in lines[:-2])
    assert all(each.keys() >= keys | {"role", "pid"} for each in lines)
    assert {each["service"] for each in lines} == {identity.NAME}
    assert all(each["timestamp"].endswith("Z") for each in lines)


def test_both_ways_to_log_look_the_same(lines: list[dict[str, Any]]) -> None:
    """Members of the event are members of the line, and the text is put together."""
    assert line(lines, event="order_placed")["order"] == 7
    assert line(lines, event="1 of 2")["shop"] == 3
    assert line(lines, event="1 of 2")["logger"] == "orders"


@pytest.mark.security
def test_a_request_is_never_written(lines: list[dict[str, Any]]) -> None:
    """Its text would hold the query string."""
    assert "hunter2" not in str(lines)


def test_libraries_are_quiet(lines: list[dict[str, Any]]) -> None:
    """No SQL and no debug line in production."""
    assert not any(each["event"] in {"SELECT 1", "detail"} for each in lines)


def test_a_warning_is_a_line(lines: list[dict[str, Any]]) -> None:
    """It comes with everything else, not as two bare lines on stderr."""
    assert "DeprecationWarning: old" in line(lines, logger="py.warnings")["event"]


def test_a_failure_holds_its_traceback(lines: list[dict[str, Any]]) -> None:
    """In one line, so that it stays together."""
    assert "KeyError: 'order'" in line(lines, event="failed")["exception"]


def test_crashes_are_lines_too(lines: list[dict[str, Any]]) -> None:
    """In the main thread and in any other."""
    crashes = [each for each in lines if each["logger"] == "crash"]
    assert ["ZeroDivisionError" in each["exception"] for each in crashes] == [True, False]
    assert "RuntimeError: end" in crashes[1]["exception"]
    assert {each["level"] for each in crashes} == {"critical"}


def test_a_slow_request_is_a_warning_with_its_figures(lines: list[dict[str, Any]]) -> None:
    """Above the threshold the one line of a request is louder."""
    finished = line(lines, event="request_finished")
    assert finished["level"] == "warning"
    assert (finished["db_queries"], finished["db_ms"], finished["cache_hits"]) == (2, 1.3, 0)


def test_a_lower_level_shows_more_of_ours() -> None:
    """LOG_LEVEL=debug is for our own lines; libraries keep their floor."""
    lines = events(output(ENVIRONMENT="test", LOG_LEVEL="debug"))
    assert line(lines, event="detail")["level"] == "debug"
    assert not any(each["event"] == "SELECT 1" for each in lines)


def test_a_higher_level_shows_less() -> None:
    """LOG_LEVEL=error leaves failures and crashes."""
    lines = events(output(ENVIRONMENT="test", LOG_LEVEL="ERROR"))
    assert {each["level"] for each in lines} == {"error", "critical"}


def test_development_is_for_eyes() -> None:
    """Readable lines without escapes, where the output is no terminal."""
    text = output(ENVIRONMENT="development")
    assert "order_placed" in text
    assert "RuntimeError: end" in text
    assert not text.startswith("{")
    assert "\x1b" not in text
