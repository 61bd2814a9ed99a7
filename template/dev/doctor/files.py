"""The checks of what no program of the service reads: workflows, hooks, image, containers, roles.

They look at values, and only at files, jobs and containers that the template brings.
"""

import json
import os
import re
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from unittest.mock import patch

from dev.doctor.service import ROOT, checks, need

yaml: Any = import_module("yaml")  # whose types are not installed everywhere
WORKFLOWS = ("ci.yml", "main.yml", "deploy.yml", "template.yml")
OURS = {"web", "migrate", "database", "cache"}
SEVERITIES = {"HIGH", "CRITICAL"}
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40}")
COMPILERS = re.compile(r"\b(build-essential|gcc|g\+\+|clang|make)\b")


@lru_cache
def read(name: str) -> Any:
    """Return what a YAML file of the service says."""
    return yaml.safe_load((ROOT / name).read_text())


def workflow(name: str) -> dict[str, Any]:
    """Return one workflow; what YAML takes for a truth is its key `on`."""
    found: dict[Any, Any] = read(f".github/workflows/{name}")
    return {"on" if key is True else key: value for key, value in found.items()}


def workflows() -> dict[str, dict[str, Any]]:
    """Return the workflows that the template brings, and that are there."""
    folder = ROOT / ".github" / "workflows"
    return {name: workflow(name) for name in WORKFLOWS if (folder / name).is_file()}


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps of a job, none where it calls a workflow."""
    found: list[dict[str, Any]] = job.get("steps", [])
    return found


def stages() -> set[str]:
    """Return the targets of make that the pipeline runs."""
    found: set[str] = set()
    for job in workflow("ci.yml")["jobs"].values():
        words = " ".join(step.get("run", "") for step in steps(job)).split()
        found |= {word.strip('"') for word in words}
        if '"$TARGET"' in words:
            found |= {*job["strategy"]["matrix"]["target"]}
    return found


def recipe(target: str) -> str:
    """Return the commands that make would run."""
    places = [os.environ.get("PATH", ""), str(Path(os.environ.get("UV", "uv")).parent)]
    # What an outer make was told is not for this one.
    environ = {name: text for name, text in os.environ.items() if "MAKE" not in name}
    environ["PATH"] = os.pathsep.join(places)
    command = ["make", "--dry-run", "--no-print-directory", target]
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    need(done.returncode == 0, f"There is no `make {target}`.")
    return done.stdout


@checks("PS-011")
def _secrets_are_looked_for() -> None:
    hooks = [hook for repo in read(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    scans = [hook["entry"] for hook in hooks if "detect-secrets" in hook["id"]]
    found = any("detect-secrets-hook --baseline" in entry for entry in scans)
    need(found, "Commits are not searched for secrets.")
    for target in ("secrets", "secrets-history"):
        need("secret_scan.py" in recipe(target), f"`make {target}` looks for no secrets.")
        need(target in stages(), f"The pipeline does not run `make {target}`.")
    planted = f'KEY = "AKIA{secrets.token_hex(8).upper()}"\n'
    need(_finds(planted), "The scanner does not find a planted key.")


def _finds(text: str) -> bool:
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import transient_settings

    baseline = json.loads((ROOT / ".secrets.baseline").read_text())
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file, transient_settings(baseline):
        file.write(text)
        file.flush()
        return any(scan_file(file.name))


@checks("PS-012")
def _workflows_only_read() -> None:
    workflow("ci.yml")
    for name, found in workflows().items():
        rights = found.get("permissions")
        reads = isinstance(rights, dict) and {*rights.values()} <= {"read", "none"}
        need(reads, f"{name} gives jobs that name no rights more than to read.")
    for place, uses in _used():
        local = uses.startswith(("./", "$/"))
        need(local or PINNED.fullmatch(uses), f"{place} uses {uses}, which is no commit.")


def _used() -> Iterator[tuple[str, str]]:
    for name, found in workflows().items():
        for job in found["jobs"].values():
            for each in (job, *steps(job)):
                if "uses" in each:
                    yield name, each["uses"]
    for path in (ROOT / ".github" / "actions").glob("*/action.yml"):
        name = str(path.relative_to(ROOT))
        for step in read(name)["runs"].get("steps", []):
            if "uses" in step:
                yield name, step["uses"]


@checks("PS-037")
def _the_image_can_do_little() -> None:
    parts = _image()
    runs = " ".join(text for word, text in parts if word == "RUN")
    need(re.match(r"\S*-slim\b", parts[0][1]), "The image is made of more than a slim one.")
    users = [text for word, text in parts if word == "USER"]
    need(users and re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", users[-1]), "The image runs as root.")
    need(not any("chown" in text for _, text in parts), "The user of the image owns files of it.")
    need("pip uninstall" in runs and "ensurepip" in runs, "The image has pip.")
    need("chmod a-s" in runs, "The image has programs that give other rights.")
    need("/nologin" in runs, "The image's user has a shell to log in to.")
    need(not COMPILERS.search(runs), "The image has a compiler.")
    environ = " ".join(text for word, text in parts if word == "ENV")
    need("PYTHONDONTWRITEBYTECODE=1" in environ, "Python writes next to its code in the image.")


def _image() -> list[tuple[str, str]]:
    """Return the instructions of the image that is left in the end, its bases' first."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    rows = [row.split(None, 1) for row in re.sub(r"\\\n", " ", text).splitlines() if row.strip()]
    stages: dict[str, list[tuple[str, str]]] = {}
    last: list[tuple[str, str]] = []
    for word, *rest in rows:
        told = " ".join(rest)
        word = word.upper()
        if word == "FROM":
            base, _, name = told.partition(" AS ")
            last = stages[name] = [*stages.get(base, [("FROM", base)])]
        elif last:
            last.append((word, told))
    return last


@checks("PS-038")
def _containers_are_closed() -> None:
    plain, hardened = read("compose.yaml"), read("compose.production.yaml")
    closed = {name for name, each in plain["networks"].items() if each and each.get("internal")}
    for name in ("database", "cache"):
        each = plain["services"][name]
        need("ports" not in each, f"The container {name} has a published port.")
        need({*each.get("networks", ["default"])} <= closed, f"The container {name} has a way out.")
    for port in plain["services"]["web"].get("ports", []):
        need(str(port).startswith("127.0.0.1:"), "The container web is open to the network.")
    for name in sorted(OURS):
        each = hardened["services"].get(name, {})
        need("ports" not in each or name == "web", f"In production, {name} has a published port.")
        open_ = {"privileged", "network_mode", "pid", "ipc", "devices"} & each.keys()
        open_ |= {"docker.sock"} if "docker.sock" in json.dumps(each) else set()
        need(not open_, f"In production, {name} reaches its machine ({', '.join(sorted(open_))}).")
        need(each.get("read_only") is True, f"In production, {name} may write anywhere.")
        need(each.get("cap_drop") == ["ALL"], f"In production, {name} keeps its capabilities.")
        options = each.get("security_opt", [])
        need("no-new-privileges:true" in options, f"In production, {name} may gain rights.")
        bounds = each.get("mem_limit") and each.get("pids_limit")
        need(bounds, f"In production, {name} has no bounds.")


@checks("PS-039")
def _the_pipeline_has_least_rights() -> None:
    tested, published = workflow("ci.yml"), workflow("main.yml")
    events = {*tested["on"], *published["on"]}
    need("pull_request_target" not in events, "Strangers' pull requests run with rights of ours.")
    need("pull_request" not in published["on"], "main.yml runs for pull requests.")
    for name, found in workflows().items():
        around = {key: value for key, value in found.items() if key != "jobs"}
        need("secrets." not in json.dumps(around), f"{name} gives every job a secret.")
    for name, job in tested["jobs"].items():
        passes = [each for each in (job, *steps(job)) if each.get("continue-on-error")]
        need(not passes, f"The job {name} passes although it failed.")
        rights = job.get("permissions", {})
        reads = isinstance(rights, dict) and {*rights.values()} <= {"read", "none"}
        need(reads, f"The job {name}, which pull requests run, may write.")
        need("secrets." not in json.dumps(job), f"The job {name} gives pull requests a secret.")
    for name, job in published["jobs"].items():
        need("permissions" in job, f"The job {name} of main.yml does not name its rights.")
    for name, found in workflows().items():
        for job in found["jobs"].values():
            for step in steps(job):
                if step.get("uses", "").startswith("actions/checkout@"):
                    keeps = step.get("with", {}).get("persist-credentials", True)
                    need(keeps is False, f"A checkout of {name} leaves its token behind.")
    _required(tested["jobs"])


def _required(jobs: dict[str, Any]) -> None:
    required = jobs.get("required", {})
    ours = {"lock", "static", "unit", "integration", "coverage", "migrations", "security"}
    ours |= {"image", "smoke", "scan", "sbom"}
    lacking = sorted((ours & jobs.keys()) - {*required.get("needs", [])})
    need(not lacking, f"The check `required` does not stand for {', '.join(lacking)}.")
    need("always()" in str(required.get("if")), "The check `required` is skipped where one failed.")


@checks("PS-041")
def _vulnerable_images_are_stopped() -> None:
    jobs, main = workflow("ci.yml")["jobs"], workflow("main.yml")
    need(_scans(jobs.get("scan", {}), "input"), "The image is not scanned for what is known.")
    need("image" in jobs["scan"]["needs"], "The scan does not look at the image that was built.")
    need("scan-waivers" in stages(), "The scan does not know waivers that expire.")
    need(main["on"].get("schedule"), "Nothing is scanned again when more becomes known.")
    if "publish" in main["jobs"]:
        again = [job for job in main["jobs"].values() if "schedule" in str(job.get("if", ""))]
        found = any(_scans(job, "image-ref") for job in again)
        need(found, "The image that was released is not scanned again.")


def _scans(job: dict[str, Any], what: str) -> bool:
    given: list[dict[str, Any]] = [step.get("with", {}) for step in steps(job)]
    return any(
        each.get(what)
        and {*str(each.get("severity", "")).split(",")} >= SEVERITIES
        and str(each.get("exit-code", "0")) != "0"
        for each in given
    )


@checks("PS-042")
def _who_serves_owns_nothing() -> None:
    text = re.sub(r"--.*", "", (ROOT / "dev" / "roles.sql").read_text())
    rows = [" ".join(row.split()) for row in text.split(";")]
    need(not any(row.startswith("ALTER ROLE") for row in rows), "A role is changed afterwards.")
    roles = dict(re.findall(r"CREATE ROLE (\w+) ?([A-Z ]*)", "; ".join(rows)))
    owners = set(re.findall(r"DEFAULT PRIVILEGES FOR ROLE (\w+)", "; ".join(rows)))
    need(len(roles) == 2 and len(owners) == 1 and owners < {*roles}, "There are not two roles.")
    (serving,) = {*roles} - owners
    need(roles[serving] == "LOGIN", "The role that serves has powers.")
    need("REVOKE ALL ON SCHEMA public FROM PUBLIC" in rows, "Anybody may use the schema.")
    for row in rows:
        if granted := re.search(rf"GRANT (.+?)(?: ON .+)? TO .*\b{serving}$", row):
            changes = {*granted[1].replace(" ", "").split(",")}
            allowed = {"SELECT", "INSERT", "UPDATE", "DELETE", "USAGE"}
            need(changes <= allowed, "The role that serves may do more than to change rows.")


@checks("PS-044")
def _what_is_taken_away_is_missed() -> None:
    from dev.waivers import waivers

    need("dev/doctor" in recipe("doctor"), "`make doctor` examines nothing.")
    need("doctor" in stages(), "The pipeline does not run `make doctor`.")
    row = '[[waiver]]\nid = "PS-001"\nreason = "Planted."\nexpires = 2020-01-01\n'
    _, faults = waivers(row, "planted", date(2020, 1, 2), "")
    need(faults, "A waiver that has expired is as good as another.")


@checks("PS-045")
def _updates_that_need_a_person_fail() -> None:
    from dev import update

    undecided = ("conflicts", "hunks that found no place", "deleted, though you had changed them")
    for kind in undecided:
        changes = {name: ["planted"] * (name == kind) for name in update.CLASSES}
        need(update.decisions(changes) == 1, f"An update does not count {kind}.")
    with (
        patch.object(update, "marked", return_value=["planted"]),
        patch.object(update, "brought"),
        patch.object(subprocess, "run", return_value=CompletedProcess([], 0, stdout="")),
    ):
        need(update.finish(checks=False), "An update ends well with a marker of a conflict.")


@checks("PS-046")
def _the_weekly_update_knows_no_secret() -> None:
    found = workflow("template.yml")
    commands = {
        name: "\n".join(str(step.get("run", "")) for step in steps(job))
        for name, job in found["jobs"].items()
    }
    need("make update" in "\n".join(commands.values()), "There is no weekly update.")
    for name, job in found["jobs"].items():
        rights = job.get("permissions", found.get("permissions"))
        need(rights == {"contents": "read"}, "The weekly update may do more than read.")
        runs = re.search(r"\b(make|uv|uvx|pip|python3?)\b", commands[name])
        knows = "secrets." in json.dumps(job)
        need(not (runs and knows), f"The job {name} runs code and has a secret.")
