"""GitHub's files are valid and safe, in this repository and in every rendered service."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

SCHEMAS = {
    "vendor.github-workflows": ".github/workflows/*.yml",
    "vendor.dependabot": ".github/dependabot.yml",
}


def run(program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a checker that is installed beside this Python."""
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_of_this_repository_match_their_schema(template: Path, schema: str) -> None:
    """A misspelt key is an error here, and nothing at all on GitHub."""
    check_schema(template, schema)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_of_a_service_match_their_schema(service: Path, schema: str) -> None:
    """The same holds for what is rendered."""
    check_schema(service, schema)


def check_schema(folder: Path, schema: str) -> None:
    """Check every file that a schema is for; there is at least one."""
    names = [str(path) for path in folder.glob(SCHEMAS[schema])]
    assert names
    done = run("check-jsonschema", "--builtin-schema", schema, *names, cwd=folder)
    assert done.returncode == 0, done.stdout


def test_workflows_of_this_repository_are_safe(template: Path) -> None:
    """No injection, no unpinned action, no right that is not needed."""
    done = run("zizmor", "--offline", "--no-progress", ".github", cwd=template)
    assert done.returncode == 0, done.stdout


def test_workflows_of_a_service_are_safe(service: Path) -> None:
    """The same holds for what is rendered."""
    done = run("zizmor", "--offline", "--no-progress", ".github", cwd=service)
    assert done.returncode == 0, done.stdout


def workflows(folder: Path) -> dict[str, Any]:
    """Return the workflows of a folder by their names."""
    paths = sorted((folder / ".github" / "workflows").glob("*.yml"))
    return {path.stem: yaml.safe_load(path.read_text()) for path in paths}


def steps(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each step of each workflow and action, with the name of its file."""
    for name, workflow in workflows(folder).items():
        for job in workflow["jobs"].values():
            yield from ((name, step) for step in job.get("steps", []))
    for path in sorted((folder / ".github" / "actions").glob("*/action.yml")):
        action = yaml.safe_load(path.read_text())
        yield from ((path.parent.name, step) for step in action["runs"]["steps"])


def targets(folder: Path) -> set[str]:
    """Return the targets of a service's make files."""
    makefiles = [folder / "Makefile", *folder.glob("dev/*.mk")]
    text = "".join(path.read_text() for path in makefiles)
    return set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))


def called(job: dict[str, Any]) -> set[str]:
    """Return the make targets that a job runs."""
    found = set()
    for step in job.get("steps", []):
        text = step.get("run", "")
        found |= set(re.findall(r"\bmake (?:-s )?([a-z][a-z-]*)", text))
        if 'make "$TARGET"' in text:
            found |= set(job["strategy"]["matrix"]["target"])
    return found


def needed(jobs: dict[str, Any], name: str) -> set[str]:
    """Return the jobs that must have ended well before a job begins."""
    needs = jobs[name].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*(needed(jobs, each) for each in direct))


def answer(folder: Path, question: str) -> str:
    """Return a recorded answer."""
    return str(yaml.safe_load((folder / ".copier-answers.yml").read_text())[question])


def test_no_job_may_write_more_than_it_says(service: Path) -> None:
    """By default a workflow may read; what may write says so at its job, where it is used."""
    for name, workflow in workflows(service).items():
        assert workflow["permissions"] in ({}, {"contents": "read"}), name
        for job in workflow["jobs"].values():
            rights = job.get("permissions", workflow["permissions"])
            assert isinstance(rights, dict)
            writes = {scope for scope, right in rights.items() if right == "write"}
            assert name in {"main", "deploy"} or not writes, name


def test_actions_are_pinned(service: Path) -> None:
    """A tag of somebody else's repository can become other code; a commit cannot."""
    texts = [path.read_text() for path in (service / ".github").rglob("*.yml")]
    uses = re.findall(r"^\s*(?:- )?uses: (.*)$", "\n".join(texts), re.MULTILINE)
    assert len(uses) > 20
    for used in uses:
        assert re.fullmatch(r"\$/\.github/\S+|[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), used


def test_a_fork_gets_nothing(service: Path) -> None:
    """What pull requests run knows no secret, keeps no credentials and is run as the fork's."""
    for name, workflow in workflows(service).items():
        assert not {"pull_request_target", "workflow_run"} & set(workflow[True]), name
    text = (service / ".github" / "workflows" / "ci.yml").read_text()
    assert "secrets." not in text
    assert "vars." not in text
    for name, step in steps(service):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, name
        assert "secrets." not in step.get("run", ""), name
        assert "${{" not in step.get("run", ""), f"{name}: {step}"


def test_every_stage_is_a_make_target_that_exists(service: Path) -> None:
    """What fails on GitHub fails in the same way at home."""
    jobs = workflows(service)["ci"]["jobs"]
    for name, job in jobs.items():
        assert name == "required" or called(job), name
        for step in job["steps"]:
            assert name == "required" or "make " in step.get("run", "make "), step
    for workflow in workflows(service).values():
        for job in workflow["jobs"].values():
            assert called(job) <= targets(service)
    actions = [step for _, step in steps(service) if step.get("shell")]
    assert called({"steps": actions}) <= targets(service)


def test_make_ci_runs_the_stages_of_the_pipeline(service: Path) -> None:
    """All of them but what it names as not run; what only moves files about is no stage."""
    jobs = workflows(service)["ci"]["jobs"]
    stages = set().union(*(called(job) for job in jobs.values()))
    stages -= {"audit", "check-title", "ci-values", "image-archive", "scan-waivers"}
    makefile = (service / "Makefile").read_text().replace("\\\n", "")
    variables = dict(re.findall(r"^(STAGES|CONTAINERS) = (.*)$", makefile, re.MULTILINE))
    local = set(re.findall(r"[a-z-]+", variables["STAGES"])) | {"image", "smoke-image"}
    assert variables["CONTAINERS"].endswith(",image smoke-image)")
    assert local == stages


def test_one_check_stands_for_all(service: Path) -> None:
    """A job that is forgotten there could fail without anybody being kept from merging."""
    jobs = workflows(service)["ci"]["jobs"]
    assert set(jobs["required"]["needs"]) == set(jobs) - {"required"}
    assert jobs["required"]["if"] == "${{ always() }}"
    [step] = jobs["required"]["steps"]
    for results, code in (("success success", 0), ("success failure", 1), ("success skipped", 1)):
        command = ["bash", "-e", "-c", step["run"]]
        done = subprocess.run(command, env={"RESULTS": results}, check=False)
        assert done.returncode == code


def test_stages_wait_for_what_they_need(service: Path) -> None:
    """Nothing is built from a stale lock file, and nothing is tested but the image."""
    jobs = workflows(service)["ci"]["jobs"]
    assert all("lock" in needed(jobs, name) for name in jobs if name != "lock")
    assert all("image" in needed(jobs, name) for name in ("smoke", "scan"))
    assert {"unit", "integration"} <= needed(jobs, "coverage")
    builds = [name for name, job in jobs.items() if "image" in called(job)]
    assert builds == ["image"]


def test_servers_of_the_tests_are_healthy_and_of_the_chosen_version(service: Path) -> None:
    """They are those of compose.yaml, and no test begins before they answer."""
    jobs = workflows(service)["ci"]["jobs"]
    assert set(jobs["integration"]["services"]) == {"postgres", "redis"}
    assert set(jobs["migrations"]["services"]) == {"postgres"}
    for job in jobs.values():
        for container in job.get("services", {}).values():
            assert container["image"].startswith("${{ needs.lock.outputs.")
            assert "--health-cmd" in container["options"]


def test_what_is_published_is_what_was_tested(service: Path) -> None:
    """Only a push to main or of a version publishes, after all stages, and it builds nothing."""
    found = workflows(service)
    published = answer(service, "registry") != "none"
    assert set(found) == ({"ci", "main", "template"} | ({"deploy"} if published else set()))
    main = found["main"]
    assert set(found["ci"][True]) == {"pull_request", "workflow_call"}
    assert main["jobs"]["ci"]["uses"] == "$/.github/workflows/ci.yml"
    tags = {"tags": ["v*"]} if published else {}
    assert main[True] == {
        "push": {"branches": ["main"], **tags},
        "schedule": main[True]["schedule"],
    }
    if published:
        jobs = main["jobs"]
        assert jobs["publish"]["if"] == "${{ github.event_name == 'push' }}"
        assert needed(jobs, "publish") == {"ci"}
        assert needed(jobs, "release") == {"ci", "publish"}
        assert jobs["release"]["if"] == "${{ startsWith(github.ref, 'refs/tags/') }}"
        pushes = [name for name, step in steps(service) if "make -s publish" in str(step)]
        assert pushes == ["publish"]


def test_a_deployment_builds_nothing(service: Path) -> None:
    """It takes a digest, asks for the environment's reviewers, and reaches no job that builds."""
    found = workflows(service)
    if answer(service, "registry") == "none":
        assert "deploy" not in found
        return
    deploy = found["deploy"]
    assert set(deploy[True]) == {"workflow_dispatch"}
    [job] = deploy["jobs"].values()
    assert "uses" not in job
    assert job["environment"] == "${{ inputs.environment }}"
    assert called(job) == {"check-digest", "image-name", "promote", "verify-deploy"}
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert runs[0] == "make check-digest"


def test_the_weekly_update_runs_what_is_new_without_a_secret(service: Path) -> None:
    """The job that knows a token runs no make target, and a checkout's token pushes nothing."""
    workflow = workflows(service)["template"]
    assert set(workflow[True]) == {"schedule", "workflow_dispatch"}
    update, proposal = (workflow["jobs"][name] for name in ("update", "pull-request"))
    assert "secrets." not in str(update)
    assert "token" not in str(update)
    assert called(update) == {"ci-values", "update", "update-notes"}
    assert not called(proposal)
    [action] = [s for s in proposal["steps"] if "/create-pull-request@" in s.get("uses", "")]
    assert action["with"]["token"] == "${{ steps.app.outputs.token || secrets.TEMPLATE_TOKEN }}"


def test_a_token_that_is_missing_is_asked_for(service: Path) -> None:
    """GitHub's own would open a pull request that is checked by nobody; the sentence says which."""
    [step] = [
        step
        for step in workflows(service)["template"]["jobs"]["pull-request"]["steps"]
        if step.get("env", {}).keys() == {"TOKEN"}
    ]
    for token, code in (("", 1), ("one", 0)):
        command = ["bash", "-e", "-c", step["run"]]
        done = subprocess.run(command, env={"TOKEN": token}, check=False, capture_output=True)
        assert done.returncode == code
        assert (b"the secret TEMPLATE_TOKEN" in done.stdout) == (not token)


def test_a_planted_fault_is_found(services: Callable[[str], Path], tmp_path: Path) -> None:
    """The checkers read these files: an injection, an open permission and a misspelt key fail."""
    faults = {
        "zizmor": ('run: make "$TARGET"', "run: make ${{ github.head_ref }}"),
        "zizmor ": ("permissions:\n  contents: read", "permissions: write-all"),
        "check-jsonschema": ("runs-on:", "run-on:"),
    }
    for number, (checker, (old, new)) in enumerate(faults.items()):
        copy = tmp_path / str(number) / ".github" / "workflows"
        copy.mkdir(parents=True)
        text = (services("django") / ".github" / "workflows" / "ci.yml").read_text()
        assert old in text
        (copy / "ci.yml").write_text(text.replace(old, new))
        if checker.strip() == "zizmor":
            done = run("zizmor", "--offline", "--no-progress", ".", cwd=copy)
        else:
            arguments = ("--builtin-schema", "vendor.github-workflows", "ci.yml")
            done = run("check-jsonschema", *arguments, cwd=copy)
        assert done.returncode != 0, new
