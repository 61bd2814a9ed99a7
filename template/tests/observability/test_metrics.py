"""Metrics that are right across processes, and who may read them."""

import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from config import identity
from config.environment import load
from observability import metrics
from tests.support import PRODUCTION, run

TOKEN = "a-token-of-thirty-two-characters"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
Program = Callable[[str], Samples]


def parsed(text: str) -> Samples:
    """Return the value of every series by its name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """Return the sum of the series of this name that have these labels."""
    wanted = labels.items()
    return sum(v for (n, found), v in samples.items() if n == name and wanted <= set(found))


def here() -> Samples:
    return parsed(metrics.scrape()[0].decode())


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Return what runs lines in a process with a folder for metrics, and returns its scrape."""

    def started(lines: str) -> Samples:
        begin = "import os\nfrom observability import metrics\n"
        end = "\nprint(metrics.scrape()[0].decode())"
        done = run(
            *[sys.executable, "-c", begin + dedent(lines) + end],
            environ=PRODUCTION | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": "src"},
            cwd=identity.ROOT,
        )
        assert done.returncode == 0, done.stderr
        return parsed(done.stdout)

    return started


def test_a_request_is_counted_under_its_template() -> None:
    """OpenTelemetry's names and labels, with buckets around the goals of 100 and 500 ms."""
    labels = {"http_request_method": "GET", "http_route": "/api/v1/orders/{order_id}"}
    before = here()
    metrics.request_finished("GET", labels["http_route"], 200, 0.2)
    name, labels["http_response_status_code"] = "http_server_request_duration_seconds", "200"
    after = here()
    assert value(after, f"{name}_count", **labels) - value(before, f"{name}_count", **labels) == 1
    assert value(after, f"{name}_bucket", le="0.1", **labels) == 0
    assert value(after, f"{name}_bucket", le="0.5", **labels) == 1


def test_what_callers_invent_adds_no_series() -> None:
    """Unknown paths share one label, and so do unknown methods."""
    metrics.request_finished("BREW", None, 404, 0.1)
    before = set(here())
    for number in range(100):
        metrics.request_finished(f"BREW{number}", None, 404, 0.1)
    assert set(here()) == before
    assert value(here(), "http_server_request_duration_seconds_count", http_route="") > 100


def test_only_what_nobody_expected_is_an_exception() -> None:
    """A refusal is no exception, and neither is a server that is away."""
    before = value(here(), "http_server_exceptions_total")
    for status in (200, 404, 429, 503):
        metrics.request_finished("GET", "/", status, 0.1)
    assert value(here(), "http_server_exceptions_total") == before
    metrics.request_finished("GET", "/", 500, 0.1)
    assert value(here(), "http_server_exceptions_total") == before + 1


def test_the_service_says_what_it_is() -> None:
    """Dashboards join versions to everything else."""
    labels = {"version": identity.VERSION, "template_version": identity.TEMPLATE_VERSION}
    assert value(here(), "service_info", **labels) == 1


def test_processes_add_up(program: Program) -> None:
    """Each counts in files of its own, named by its place; a scrape is their sum."""
    found = program(
        """
        for place in ("1", "2", "3"):
            if (pid := os.fork()) == 0:
                metrics.place = place
                for _ in range(100):
                    metrics.request_finished("GET", "/", 200, 0.1)
                os._exit(0)
            os.waitpid(pid, 0)
        """
    )
    assert value(found, "http_server_request_duration_seconds_count") == 300


def test_a_successor_counts_on(program: Program, tmp_path: Path) -> None:
    """Ten processes one after the other in one place: nothing is lost, and no file is added."""
    found = program(
        """
        for _ in range(10):
            if (pid := os.fork()) == 0:
                metrics.place = "1"
                metrics.auth_tokens.labels("issued").inc()
                metrics.active_requests.inc()
                os._exit(0)
            os.waitpid(pid, 0)
            metrics.process_ended("1")
        """
    )
    assert value(found, "auth_tokens_total", event="issued") == 10
    assert value(found, "http_server_active_requests") == 0
    assert len(list(tmp_path.glob("*_1.db"))) == 1


@pytest.mark.security
@pytest.mark.parametrize(
    ("environment", "token", "header", "may"),
    [
        ("production", TOKEN, f"Bearer {TOKEN}", True),
        ("production", TOKEN, f"bearer {TOKEN}", True),
        ("production", TOKEN, f"Bearer {TOKEN}x", False),
        ("production", TOKEN, f"Basic {TOKEN}", False),
        ("production", TOKEN, TOKEN, False),
        ("production", TOKEN, "Bearer \xff\udcff", False),
        ("production", TOKEN, None, False),
        ("production", None, None, False),
        ("production", None, "Bearer ", False),
        ("production", None, "Bearer None", False),
        ("development", None, None, True),
        ("development", None, "Bearer x", True),
        ("development", TOKEN, None, False),
        ("development", TOKEN, f"Bearer {TOKEN}", True),
    ],
)
def test_metrics_are_for_whoever_has_the_token(
    monkeypatch: pytest.MonkeyPatch,
    environment: str,
    token: str | None,
    header: str | None,
    may: bool,
) -> None:
    """In production nobody else reads them; elsewhere a token counts where one is set."""
    secret = SecretStr(token) if token else None
    settings = load().model_copy(update={"environment": environment, "metrics_token": secret})
    monkeypatch.setattr(metrics, "load", lambda: settings)
    assert metrics.may_scrape(header) is may
