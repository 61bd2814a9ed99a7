"""The check of what is published, and of how it is deployed."""

import json
import subprocess
import sys
from typing import Any

from dev.doctor.files import read, stages, steps, workflow
from dev.doctor.service import ROOT, checks, need


@checks("PS-040")
def _what_was_tested_is_published() -> None:
    main, deploy = workflow("main.yml")["jobs"], workflow("deploy.yml")
    publish = main.get("publish", {})
    need("ci" in publish.get("needs", []), "The image is published before it was tested.")
    done: list[dict[str, Any]] = read(".github/actions/publish/action.yml")["runs"]["steps"]
    uses = {step.get("uses", "").partition("@")[0]: step.get("with", {}) for step in done}
    given = uses.get("actions/download-artifact", {}).get("name")
    need(given == "image", "What is published is not what the run tested.")
    everything = json.dumps([*steps(publish), *done])
    need("build" not in everything.replace("attest-build", ""), "The image is built anew.")
    record = uses.get("actions/attest-build-provenance", {})
    need("digest" in str(record.get("subject-digest")), "Nothing records where the image is from.")
    need("sbom" in stages(), "There is no list of the image's packages.")
    need("sbom" in json.dumps(main.get("release", {})), "A release lacks the list of packages.")
    asked = deploy["on"]["workflow_dispatch"]["inputs"]["digest"]
    need(asked.get("required") is True, "A deployment takes no digest.")
    runs = [step.get("run", "") for step in steps(deploy["jobs"]["promote"])]
    order = [name for run in runs for name in ("check-digest", "promote") if f"make {name}" in run]
    need(order == ["check-digest", "promote"], "A deployment does not look at its digest first.")
    for digest, passes in ((f"sha256:{'0' * 64}", True), ("latest", False), ("sha256:0", False)):
        command = [sys.executable, str(ROOT / "dev" / "publish.py"), "check", digest]
        code = subprocess.run(command, capture_output=True).returncode
        need((code == 0) == passes, f"A deployment {'refuses' if passes else 'takes'} {digest}.")
