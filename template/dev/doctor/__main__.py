"""Say which hardenings a service has: `python dev/doctor [ROOT] [--json] [--offline]`.

A hardening is present; missing, when it came after the service's release; drifted, when that
release had it and it fails now; or waived in `doctor-waivers.toml`, with a reason and for a time.

The newest release's doctor says it: the template is rendered from where the service came from, with
the service's answers, into a temporary folder. That runs the newest release's code, as an update
does. With `--offline`, or where it cannot be had, the doctor beside this file says it.

Exit code 0: all are present or waived. 1: one is missing or drifted, or a waiver is not good. 2: it
could not be found out. With `--json` stdout has one object, unless the code is 2:

    service, framework   as they were answered
    version, doctor      the releases of the service and of the doctor that examined it
    newest               the newest release, or null where nobody looked
    faults               a sentence for each waiver that is not good
    hardenings           id, title, severity, since, state, told (what is wrong), and of a waiver
                         the reason and waived_until

Only the standard library is used: what is examined may be a service that cannot be installed.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dev.waivers import Waiver, waivers

HERE = Path(__file__).resolve().parent
OWN = HERE.parent.parent
ANSWERS = ".copier-answers.yml"
WAIVERS = "doctor-waivers.toml"
COPIER = ("tool", "run", "--with", "jinja2-time", "--with", "copier-template-extensions", "copier")
WRONG = ("missing", "drifted")
SEVERITIES = ("high", "medium", "low")
KEYS = ("id", "title", "severity", "since")


class DoctorError(Exception):
    """Nothing can be said of the service; the message says why, and what helps."""


def answers(root: Path) -> dict[str, str]:
    """Return the one-line answers that are recorded in a service, as text."""
    path = root / ANSWERS
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        raise DoctorError(f"{path} is not here or no text: restore it from git.") from None
    rows = [line for line in lines if line.strip() and line[0] not in "# -"]
    found = dict(re.findall(r"^(\w+): *(.*)$", "\n".join(rows), re.MULTILINE))
    lacking = [name for name in ("_src_path", "framework", "project_slug") if name not in found]
    if len(found) != len(rows) or lacking:
        raise DoctorError(f"{path} is not what Copier wrote: restore it from git.")
    return {name: re.sub(r"^(['\"])(.*)\1$", r"\2", value) for name, value in found.items()}


def release(text: str) -> tuple[int, ...]:
    """Return a release as numbers that can be compared, or nothing where it is none."""
    found = re.fullmatch(r"v?(\d+(?:\.\d+)*)(?:(?:a|b|rc)\d+)?", text)
    return tuple(map(int, found[1].split("."))) if found else ()


def version(given: Mapping[str, str]) -> str:
    """Return the release of the answers, without the letter of its tag."""
    return given.get("_commit", "unreleased").removeprefix("v")


def uv() -> str:
    """Return the path of uv."""
    places = [os.environ.get("PATH", ""), "~/.local/bin", "~/.uv/bin"]
    path = os.pathsep.join(map(os.path.expanduser, places))
    found = os.environ.get("UV") or shutil.which("uv", path=path)  # set by `uv run`
    if not found:
        raise DoctorError("uv is missing: python3 -m venv ~/.uv && ~/.uv/bin/pip install uv")
    return found


def run(command: list[str], root: Path) -> str:
    """Return what a program prints, or raise `DoctorError` with the last line of its complaint."""
    # These would forbid a lock file that fits, or put the packages of another project in.
    without = {"UV_FROZEN", "UV_LOCKED", "VIRTUAL_ENV"}
    environ = {name: text for name, text in os.environ.items() if name not in without}
    environ |= {"GIT_TERMINAL_PROMPT": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    nobody = subprocess.DEVNULL  # is there to be asked
    try:
        done = subprocess.run(
            command, cwd=root, env=environ, stdin=nobody, capture_output=True, text=True
        )
    except OSError as error:
        raise DoctorError(str(error)) from None
    if done.returncode:
        # Copier puts a bar before what git says.
        last = done.stderr.strip().rpartition("\n")[2].rpartition("| ")[2].strip(" .")
        raise DoctorError(last or f"{command[0]} ended with {done.returncode}")
    return done.stdout


def newest(root: Path, given: Mapping[str, str], folder: Path) -> str:
    """Render the newest release of the service's template into `folder` and return its version."""
    if not release(given.get("_commit", "")):
        raise DoctorError(f"the service is made of {version(given)}, which is no release")
    copier = shlex.split(os.environ.get("COPIER", "")) or [uv(), *COPIER]
    options = ["--trust", "--defaults", "--quiet", "--skip-tasks", "--data-file", ANSWERS]
    copy = [*copier, "copy", *options, given["_src_path"], str(folder)]
    run(copy, root)
    found = version(answers(folder))
    before = folder / "dev" / "doctor" / "as_before.toml"
    known = tomllib.loads(before.read_text()) if before.exists() else {}
    if new := [f"--data={name}={value}" for name, value in known.items() if name not in given]:
        run([*copy, "--overwrite", *new], root)  # as an update would answer them
    if not release(found):
        raise DoctorError(f"{given['_src_path']} has no release")
    return found


def findings(root: Path) -> dict[str, str]:
    """Return what `examine.py` says of each id, run with the packages of the service."""
    if not (root / "pyproject.toml").exists():
        raise DoctorError("it has no pyproject.toml")
    with tempfile.TemporaryDirectory(prefix="doctor-") as folder:
        where = ["--frozen"]
        if not (root / "uv.lock").exists():  # which nobody but the service may make
            where = ["--project", folder]
            shutil.copy(root / "pyproject.toml", folder)
        elif root != OWN or not (root / ".venv").exists():  # from outside nothing is written
            where += ["--isolated"] * ("UV_PROJECT_ENVIRONMENT" not in os.environ)
        python = [uv(), "run", "--quiet", *where, "python"]
        said = run([*python, str(HERE / "examine.py"), str(root)], root)
    found: dict[str, str] = json.loads(said)
    return found


def ledger() -> list[dict[str, Any]]:
    """Return the hardenings of this doctor's release."""
    path = HERE / "hardenings.toml"
    try:
        listed = tomllib.loads(path.read_text())["hardening"]
        for entry in listed:
            if entry["severity"] not in SEVERITIES or not release(entry["since"]):
                raise ValueError(entry)
        return [{key: str(entry[key]) for key in KEYS} for entry in listed]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DoctorError(f"{path} is broken ({error}): restore it from git.") from None


def examined(root: Path, given: Mapping[str, str], newer: str | None) -> dict[str, Any]:
    """Return what is known of a service, as `--json` prints it."""
    entries, today = ledger(), datetime.now(UTC).date()
    try:
        is_newest = newer == version(answers(OWN))
        ids = [entry["id"] for entry in entries]
        waived, faults = read_waivers(root, ids, is_newest, today)
        found = findings(root)
    except (OSError, ValueError, DoctorError) as error:
        help_ = f"see whether `make setup` works in {root}"
        raise DoctorError(f"The service could not be examined ({error}): {help_}.") from None
    had = release(version(given))
    for entry in entries:
        told = found.get(entry["id"], "the examination says nothing of it")
        waiver = waived.get(entry["id"])
        state = "missing" if had and release(entry["since"]) > had else "drifted"
        if not told:
            state = "present"
        elif waiver and waiver.expires >= today:
            state = "waived"
        until = str(waiver.expires) if waiver else None
        reason = waiver.reason if waiver else None
        entry |= {"state": state, "told": told, "waived_until": until, "reason": reason}
    return {
        "service": given["project_slug"],
        "framework": given["framework"],
        "version": version(given),
        "doctor": version(answers(OWN)),
        "newest": newer,
        "faults": faults,
        "hardenings": entries,
    }


def read_waivers(
    root: Path, known: list[str], is_newest: bool, today: date
) -> tuple[dict[str, Waiver], list[str]]:
    """Return the waivers of a service, and a sentence for each that is not good."""
    path = root / WAIVERS
    if not path.exists():
        return {}, []
    way_out = "mend what it let pass, or look again and set a new date"
    waived, faults = waivers(path.read_text(errors="replace"), WAIVERS, today, way_out)
    # An older doctor does not know what a newer one asked to waive.
    later = [name for name in waived if re.fullmatch(r"PS-\d{3}", name) and name > known[-1]]
    unknown = [name for name in waived if name not in (known if is_newest else [*known, *later])]
    idle = "is no hardening of this service: delete the waiver"
    return waived, [*faults, *(f"{WAIVERS}: {name} {idle}" for name in unknown)]


def lines(report: dict[str, Any]) -> Iterator[str]:
    """Yield the report for people: what is wrong, what to do, what is waived, and a summary."""
    hardenings = sorted(report["hardenings"], key=lambda each: SEVERITIES.index(each["severity"]))
    count = Counter(each["state"] for each in hardenings)
    for state in WRONG:
        for each in hardenings:
            if each["state"] == state:
                yield f"{each['id']}  {each['severity']}, {state}: {each['title']}"
                yield f"        {each['told']}"
    if count["missing"]:
        how = "`make update`" if release(report["version"]) >= (0, 5) else "`copier update`"
        yield f"What is missing came after {report['version']}: {how} brings it."
    if count["drifted"]:
        yield f"What drifted was there: mend what is named, or waive it in {WAIVERS} for a time."
    yield from report["faults"]
    today = datetime.now(UTC).date()
    for each in hardenings:
        if each["state"] == "waived":
            left = (date.fromisoformat(each["waived_until"]) - today).days
            yield f"{each['id']}  {each['severity']}, waived, {left} days left: {each['title']}"
            yield f"        {each['reason']}"
        elif each["state"] == "present" and each["waived_until"]:
            yield f"{each['id']}  is waived and there: delete the waiver"
    states = ", ".join(f"{count[state]} {state}" for state in ("present", *WRONG, "waived"))
    about = f"{report['service']} of {report['version']}, examined by {report['doctor']}"
    yield f"{about}: {states}."


def main() -> int:
    """Examine one service, or have the newest release's doctor do it."""
    parser = argparse.ArgumentParser(prog="doctor", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("root", nargs="?", type=Path, default=OWN, metavar="ROOT")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--offline", action="store_true", help="look for no newer release")
    asked = parser.parse_args()
    root = asked.root.resolve()
    try:
        given, own = answers(root), version(answers(OWN))
        # From outside it is the newest release's, which the service's own rendered.
        newer = None if root == OWN else own
        if asked.offline:
            if root == OWN:
                print("No newer release was looked for.", file=sys.stderr)
        else:
            with tempfile.TemporaryDirectory(prefix="doctor-") as folder:
                try:
                    newer = newest(root, given, Path(folder))
                    if release(newer) > release(own):
                        return hand_over(Path(folder), root, asked.json)
                except DoctorError as error:
                    print(f"No newer release could be had: {error}.", file=sys.stderr)
        report = examined(root, given, newer)
    except DoctorError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(report, indent=2) if asked.json else "\n".join(lines(report)))
    wrong = [each for each in report["hardenings"] if each["state"] in WRONG]
    return int(bool(wrong or report["faults"]))


def hand_over(newer: Path, root: Path, as_json: bool) -> int:
    """Let the doctor of a newer release's render examine a service; return its exit code."""
    doctor = newer / "dev" / "doctor"
    if not (doctor / "__main__.py").exists():
        raise DoctorError(f"{version(answers(newer))} has no doctor")
    command = [sys.executable, str(doctor), str(root), "--offline", *["--json"] * as_json]
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
