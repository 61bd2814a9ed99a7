"""Look for known vulnerabilities in all packages of uv.lock; pip-audit gets the arguments.

`--waived` only prints the ids that are waived, for whoever scans the image.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WAIVERS = "audit-waivers.toml"
ID = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)+")
EXPORT = ["export", "--quiet", "--frozen", "--no-emit-project", "--all-groups", "--output-file"]
AUDIT = [sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--require-hashes"]


def waivers(text: str, today: date) -> tuple[set[str], list[str]]:
    """Return the ids that are waived, and a sentence for each waiver that is not good."""
    try:
        loaded = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return set(), [f"{WAIVERS}: {error}"]
    listed = loaded.pop("waiver", [])
    if loaded or not isinstance(listed, list):
        return set(), [f"{WAIVERS}: holds tables named [[waiver]] and nothing else"]
    waived, faults = set(), []
    for number, waiver in enumerate(listed, 1):
        match waiver:
            case {"id": str(name), "reason": str(reason), "expires": date() as day} if (
                len(waiver) == 3 and ID.fullmatch(name) and reason.strip() and type(day) is date
            ):
                waived.add(name)
                if day < today:
                    way_out = "update the package, or look again and set a new date"
                    faults.append(f"{WAIVERS}: {name} was waived until {day}: {way_out}")
            case _:
                rule = "needs an id, a reason and a date `expires`, and nothing else"
                faults.append(f"{WAIVERS}: waiver {number} {rule}: {waiver}")
    return waived, faults


def packages(arguments: list[str]) -> list[dict[str, Any]]:
    """Return what pip-audit says of each package, or end where it cannot say it of all."""
    with tempfile.TemporaryDirectory() as folder:
        pins = str(Path(folder, "requirements.txt"))
        uv = os.environ.get("UV", "uv")  # set by `uv run`
        subprocess.run([uv, *EXPORT, pins], cwd=ROOT, check=True)
        command = [*AUDIT, "--format=json", "--progress-spinner=off", "-r", pins, *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        reason = done.stderr.strip().rpartition("\n")[2]
        sys.exit(f"The packages could not be looked up, so nothing is known of them: {reason}")
    return found


def main(arguments: list[str]) -> int:
    """Print vulnerabilities that are not waived and bad waivers; return 1 when there is one."""
    waived, failures = waivers((ROOT / WAIVERS).read_text(), datetime.now(UTC).date())
    if arguments == ["--waived"]:
        print(*sorted(waived), sep="\n")
        print(*failures, sep="\n", end="", file=sys.stderr)
        return int(bool(failures))
    for package in packages(arguments):
        for found in package["vulns"]:
            ids = [found["id"], *found["aliases"]]
            if waived.isdisjoint(ids):  # no severity is told, so each counts
                fixed = ", ".join(found["fix_versions"]) or "no release yet"
                name = f"{package['name']} {package['version']}"
                failures.append(f"{name}: {', '.join(ids)}, fixed in {fixed}")
    if failures:
        failures.append(f"`uv lock --upgrade` takes in what is fixed; {WAIVERS} waives for a time.")
    print(*(failures or ["No known vulnerabilities but waived ones."]), sep="\n")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
