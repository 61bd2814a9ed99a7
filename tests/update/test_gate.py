"""Services of every release and many variants take in this one, whatever was done to them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.harness.fixtures import projects
from tests.harness.projects import Project
from tests.support import ROOT
from tests.update import table
from tests.update.gate import RELEASES, SCENARIOS, Case, Gate, cases, questions

__all__ = ["projects"]

QUICK = (list(RELEASES)[-1], ["untouched", "kept"])


def _parameters() -> list[ParameterSet]:
    asked = {name: questions(ROOT, commit) for name, commit in RELEASES.items()}
    seen, parameters = set(), []
    for case in cases(asked):
        # Of the newest release one of each framework, in what tells most.
        key = (dict(case.answers)["framework"], case.scenario)
        quick = case.release == QUICK[0] and case.scenario in QUICK[1] and key not in seen
        seen |= {key} if quick else set()
        parameters.append(pytest.param(case, id=str(case), marks=[] if quick else pytest.mark.full))
    return parameters


# As `make check-artifacts` of a service does, in one profile.
IMPORTS = """
import os
from dev.artifacts import IMPORT
from dev.reference import COMPLETE, PROFILES
os.environ |= COMPLETE | {"ENVIRONMENT": "production"}
exec(IMPORT)
"""


def succeed(command: list[str], service: Path) -> None:
    """Run a command in a service; it has to succeed."""
    environ = os.environ | {"PYTHONPATH": "src:."}
    done = subprocess.run(
        command, cwd=service, env=environ, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", _parameters())
def test_an_older_service_takes_in_this_release(
    case: Case,
    gate: Gate,
    tmp_path: Path,
    record_property: table.Record,
    request: pytest.FixtureRequest,
) -> None:
    """As the scenario's docstring in `gate.py` promises; a team's code is as clean as before."""
    variant = "-".join(str(value) for _, value in case.answers)
    table.note(record_property, case.release, variant, case.scenario)
    SCENARIOS[case.scenario](gate, case, tmp_path)
    if case.scenario == "kept":
        # A line between two imports, as the case put some, is the one thing that would be moved.
        ruff = [sys.executable, "-m", "ruff", "check", "--no-cache", "--ignore", "I001"]
        succeed(ruff, tmp_path / "service")
        if request.node.get_closest_marker("full"):
            framework = dict(case.answers)["framework"]
            project: Project = request.getfixturevalue("projects")[framework]
            python = project.development / ".venv" / "bin" / "python"
            succeed([str(python), "-c", IMPORTS], tmp_path / "service")
