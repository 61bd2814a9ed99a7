"""Look for known vulnerabilities in all packages of uv.lock; pip-audit gets the arguments.

`--waived` only prints the ids that are waived, for whoever scans the image.
"""

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dev.waivers import waivers

ROOT = Path(__file__).resolve().parent.parent
WAIVERS = "audit-waivers.toml"
WAY_OUT = "update the package, or look again and set a new date"
EXPORT = ["export", "--quiet", "--frozen", "--no-emit-project", "--all-groups", "--output-file"]
AUDIT = [sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--require-hashes"]


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
    text, today = (ROOT / WAIVERS).read_text(), datetime.now(UTC).date()
    waived, failures = waivers(text, WAIVERS, today, WAY_OUT)
    if arguments == ["--waived"]:
        print(*sorted(waived), sep="\n")
        print(*failures, sep="\n", end="", file=sys.stderr)
        return int(bool(failures))
    for package in packages(arguments):
        for found in package["vulns"]:
            ids = [found["id"], *found["aliases"]]
            if waived.keys().isdisjoint(ids):  # no severity is told, so each counts
                fixed = ", ".join(found["fix_versions"]) or "no release yet"
                name = f"{package['name']} {package['version']}"
                failures.append(f"{name}: {', '.join(ids)}, fixed in {fixed}")
    if failures:
        failures.append(f"`uv lock --upgrade` takes in what is fixed; {WAIVERS} waives for a time.")
    print(*(failures or ["No known vulnerabilities but waived ones."]), sep="\n")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
