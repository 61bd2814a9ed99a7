"""The table of what a run has updated: releases and scenarios, variants, counts, seconds."""

from collections.abc import Callable

import pytest

Record = Callable[[str, object], None]
KEY = "updated"


def note(record: Record, release: str, variant: str, scenario: str) -> None:
    """Enter an update into the table; pytest-xdist carries it to the process that prints."""
    record(KEY, [release, variant, scenario])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print it: how many updates of each release and scenario passed, and in how many seconds."""
    reports = [
        (*dict(report.user_properties)[KEY], report)
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if KEY in dict(report.user_properties) and report.when == "call"
    ]
    if not reports:
        return
    write = terminalreporter.write_line
    scenarios = sorted({scenario for _, _, scenario, _ in reports})
    write("")
    write("updates   " + "".join(f"{name:>18}" for name in scenarios))
    for release in sorted({release for release, _, _, _ in reports}):
        cells = []
        for scenario in scenarios:
            here = [row[3] for row in reports if (row[0], row[2]) == (release, scenario)]
            passed, seconds = sum(r.passed for r in here), sum(r.duration for r in here)
            cells.append(f"{passed}/{len(here)} in {seconds:.0f} s" if here else "")
        write(f"{release:<10}" + "".join(f"{cell:>18}" for cell in cells))
    variants = {variant for _, variant, _, _ in reports}
    failed = sum(row[3].failed for row in reports)
    seconds = sum(row[3].duration for row in reports)
    write(
        f"{len(reports)} updates of {len(variants)} variants, {failed} failed, {seconds:.0f} s of "
        "test time."
    )
