"""Examine services from outside with the checks of this working tree: `nox -s fleet -- PATH…`.

The template is rendered with a service's own answers, and that render's doctor examines it. So a
service of any release can be examined, also one that has no doctor. Nothing is written into it.

Exit code 0: each hardening is present or waived, everywhere. 1: one is not, or a waiver is no good.
2: a path could not be examined. With `--json` stdout has a list with an object for each path: that
of `python dev/doctor --json`, with `path` and `behind`, the number of releases since, which is null
where nobody knows; or `path` and `fault`, why it could not be examined.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

import release

ROOT = Path(__file__).resolve().parent
ANSWERS = ".copier-answers.yml"
COPY = [sys.executable, "-m", "copier", "copy", "--trust", "--defaults", "--quiet"]
# What questions that are newer than a service are answered with: it stays what it is.
AS_BEFORE = tomllib.loads((ROOT / "template/dev/doctor/as_before.toml").read_text())
MARKS = {"present": "+", "missing": "m", "drifted": "D", "waived": "w"}

Done = subprocess.CompletedProcess[str]
Report = dict[str, Any]


def examine(path: Path, *options: str) -> Done:
    """Return what the doctor of this working tree says of a service."""
    recorded = path.resolve() / ANSWERS
    try:
        text = recorded.read_text(errors="replace")
    except OSError:
        return Done([], 2, "", f"{path} has no {ANSWERS}: it is no service of this template.\n")
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        answers = ["--vcs-ref=HEAD", "--data-file", str(recorded)]
        for name, value in AS_BEFORE.items():
            if not re.search(rf"^{name}:", text, re.MULTILINE):
                answers += ["--data", f"{name}={value}"]
        rendered = run([*COPY, *answers, str(ROOT), folder])
        if rendered.returncode:
            last = rendered.stderr.strip().rpartition("\n")[2]
            return Done([], 2, "", f"Its answers cannot be rendered: {last}\n")
        doctor = str(Path(folder, "dev", "doctor"))
        return run([sys.executable, doctor, str(path.resolve()), "--offline", *options])


def run(command: Sequence[str]) -> Done:
    """Run a program to its end."""
    return subprocess.run(command, capture_output=True, text=True, check=False)


def report(path: Path) -> Report:
    """Return what is known of a service, or why nothing is."""
    done = examine(path, "--json")
    if not done.stdout:
        return {"path": str(path), "fault": done.stderr.strip().rpartition("\n")[2]}
    found: Report = json.loads(done.stdout)
    ledger = release.versions((ROOT / "CHANGELOG.md").read_text())
    return {"path": str(path), "behind": behind(found["version"], ledger), **found}


def behind(version: str, releases: Sequence[Version]) -> int | None:
    """Return how many releases came after a version, or `None` where it is none."""
    try:
        return sum(each > Version(version) for each in releases)
    except InvalidVersion:
        return None


def well(each: Report) -> bool:
    """Tell whether nothing is to be done about a service that was examined."""
    states = {entry["state"] for entry in each["hardenings"]}
    return not each["faults"] and states <= {"present", "waived"}


def table(reports: Sequence[Report]) -> Iterator[str]:
    """Yield the services with a column for each hardening that one of them lacks."""
    examined = [each for each in reports if "fault" not in each]
    found = [entry for each in examined for entry in each["hardenings"]]
    lacking = {entry["id"]: entry for entry in found if entry["state"] != "present"}
    ids = sorted(lacking)
    rows = [["service", "framework", "release", "behind", *ids]]
    for each in examined:
        marks = {entry["id"]: MARKS[entry["state"]] for entry in each["hardenings"]}
        since = "?" if each["behind"] is None else str(each["behind"])
        about = [each["path"], each["framework"], each["version"], since]
        rows.append([*about, *(marks.get(name, "") for name in ids)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()
    for each in reports:
        for fault in each.get("faults", [each.get("fault")]):
            yield f"{each['path']}  {fault}"
    yield ""
    yield from (f"{name}  {lacking[name]['severity']}: {lacking[name]['title']}" for name in ids)
    yield f"{', '.join(f'{mark} {state}' for state, mark in MARKS.items())}, blank: does not apply"


def main() -> int:
    """Print the table of the services, or with `--each` what the doctor says of each."""
    parser = argparse.ArgumentParser(prog="fleet", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="folder of a service")
    parser.add_argument("--json", action="store_true", help="print one list for programs")
    parser.add_argument("--each", action="store_true", help="print what the doctor says instead")
    asked = parser.parse_args()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        if asked.each:
            said = list(pool.map(examine, asked.paths))
            print("".join(done.stdout + done.stderr for done in said), end="")
            return max(done.returncode for done in said)
        reports = list(pool.map(report, asked.paths))
    print(json.dumps(reports, indent=2) if asked.json else "\n".join(table(reports)))
    return max(2 if "fault" in each else int(not well(each)) for each in reports)


if __name__ == "__main__":
    sys.exit(main())
