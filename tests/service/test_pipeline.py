"""The stages of the pipeline, run as the pipeline runs them."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.programs import installed
from tests.harness.projects import find_uv
from tests.service.conftest import plant
from tests.support import commit, git

Run = Callable[..., subprocess.CompletedProcess[str]]
Environment = dict[str, str]

WAIVER = '[[waiver]]\nid = "CVE-2026-0001"\nreason = "Not called."\nexpires = {}\n'

# For each kind of file a fault, and which checker names it.
BROKEN = {
    "src/config/planted.py": ("import nothing_of_this_name\n", "imports in the profile production"),
    "planted.yaml": ("a: b: c\n", "check-yaml"),
    "planted.toml": ("a = \n", "check-toml"),
    "planted.json": ("{\n", "check-json;"),
    "planted.sh": ("#!/bin/sh\nrm $1\n", "shellcheck"),
    ".github/workflows/planted.yml": (
        "on: push\njobs: {a: {run-on: x}}\n",
        "vendor.github-workflows",
    ),
    ".github/actions/a/action.yml": ("name: a\nruns: {using: x}\n", "vendor.github-actions"),
    ".github/dependabot.yml": ("version: 3\n", "vendor.dependabot"),
    "compose.planted.yaml": ("services: {a: {imag: b}}\n", "vendor.compose-spec"),
    ".github/workflows/open.yml": (
        "on: push\njobs: {a: {runs-on: x, steps: [{run: 'echo ${{ github.head_ref }}'}]}}\n",
        "zizmor",
    ),
    "Dockerfile": ("FROM python\nCMD echo\n", "hadolint"),
}

# A fault for each stage that takes seconds; no other of these stages may trip on it.
FAULTS = {
    "lint": ("src/config/planted.py", '"""Limits."""\n\nimport os\n'),
    "types": ("src/config/planted.py", '"""A limit."""\n\nLIMIT: int = "three"\n'),
    "docs-check": ("docs/openapi.json", "{}\n"),
    "secrets": ("planted.txt", "key AKIA" + "Q3EGRIZ7XLPM2WTD\n"),
    "check-artifacts": ("planted.yaml", "a: b: c\n"),
}

# What is changed so that it does not run as in production, by what is said then.
UNLIKE_PRODUCTION = {
    "It writes for people": ("dev/prodlike.py", '"production"', '"development"'),
    "The role that serves may make tables.": ("dev/roles.sql", "GRANT USAGE ON", "GRANT ALL ON"),
    "has powers": ("dev/roles.sql", "service LOGIN;", "service LOGIN CREATEDB;"),
    "several processes": ("dev/prodlike.py", '"WEB_CONCURRENCY": "2"', '"WEB_CONCURRENCY": "1"'),
}


@pytest.fixture
def settled(run: Run, checkout: Path, environment: Environment) -> Path:
    """Return the checkout with the documents that are born at the set-up."""
    done = run("make", "docs", cwd=checkout, env=environment)
    assert done.returncode == 0, done.stderr
    commit(checkout, "docs: describe the API")
    return checkout


def test_a_lock_file_that_is_missing_is_named_first(
    run: Run, checkout: Path, environment: Environment
) -> None:
    """The sentence says which command writes it."""
    assert run("make", "lock-check", cwd=checkout, env=environment).returncode == 0
    (checkout / "uv.lock").unlink()
    done = run("make", "lock-check", cwd=checkout, env=environment)
    assert done.returncode != 0
    assert "uv.lock is missing: run `make setup` and commit it." in done.stdout


@pytest.mark.parametrize("target", ["lock-check", "check"])
def test_a_stale_lock_file_is_refused(
    run: Run, checkout: Path, environment: Environment, target: str
) -> None:
    """What would be installed is not what pyproject.toml says, and no command mends it unseen."""
    project = checkout / "pyproject.toml"
    project.write_text(project.read_text().replace("structlog>=26.1,<27", "structlog>=26.1,<28"))
    done = run("make", target, cwd=checkout, env=environment)
    assert done.returncode != 0
    assert "uv.lock is out of date: run `make setup` and commit it." in done.stdout


def test_a_generated_document_is_written_anew_and_not_edited(
    run: Run, settled: Path, environment: Environment
) -> None:
    """An edit by hand fails the check, which names the target that takes it back."""
    generated = {"openapi.json": '"openapi"', "configuration.md": "| `SECRET_KEY` |"}
    for name, text in generated.items():
        path = settled / "docs" / name
        assert text in path.read_text()
        path.write_text(path.read_text().replace(text, "edited"))
    done = run("make", "docs-check", cwd=settled, env=environment)
    assert done.returncode != 0
    for name in generated:
        assert f"docs/{name} is not what the code says: run `make docs`" in done.stdout
    assert run("make", "docs", cwd=settled, env=environment).returncode == 0
    assert git(settled, "status", "--porcelain") == ""


def test_the_sbom_lists_what_production_gets(
    run: Run, checkout: Path, environment: Environment
) -> None:
    """Every locked package of production with its version, and no other."""
    done = run("make", "sbom", cwd=checkout, env=environment)
    assert done.returncode == 0, done.stderr
    told = json.loads((checkout / "sbom.cdx.json").read_text())
    listed = {f"{found['name']}=={found['version']}" for found in told["components"]}
    export = ["export", "--frozen", "--no-default-groups", "--no-emit-project", "--no-hashes"]
    locked = run(find_uv(), *export, "--no-annotate", cwd=checkout, env=environment).stdout
    rows = [row for row in locked.splitlines() if row and not row.startswith("#")]
    # The extras of a package are packages of their own in the lock file.
    assert listed == {re.sub(r"\[.*\]| ;.*", "", row).strip() for row in rows}
    assert len(listed) > 20


@pytest.mark.parametrize(
    ("title", "status"),
    [
        ("feat(orders)!: refuse an empty order", 0),
        ("fix: count each order once", 0),
        ("Refuse empty orders", 1),
        ("feature: refuse an empty order", 1),
    ],
)
def test_the_title_of_a_pull_request(
    run: Run, checkout: Path, environment: Environment, title: str, status: int
) -> None:
    """It becomes a row of the change log, so it is a conventional commit."""
    done = run("make", "check-title", cwd=checkout, env=environment | {"TITLE": title})
    assert bool(done.returncode) == bool(status), done.stdout + done.stderr


def test_a_title_is_no_command(run: Run, checkout: Path, environment: Environment) -> None:
    """A stranger writes it."""
    title = 'fix: `touch planted` $(touch planted) $$(touch planted) "; touch planted; "'
    run("make", "check-title", cwd=checkout, env=environment | {"TITLE": title})
    assert not (checkout / "planted").exists()


def test_a_release_has_the_version_and_the_notes_of_its_commits(
    run: Run, checkout: Path, environment: Environment
) -> None:
    """What the commits say decides; a trial changes nothing."""
    assert run("make", "docs", cwd=checkout, env=environment).returncode == 0
    for message in ("feat(orders): take orders", "fix: count once", "docs: say how"):
        commit(checkout, message)
    head = git(checkout, "rev-parse", "HEAD")
    done = run("make", "release", "ARGS=--dry-run", cwd=checkout, env=environment)
    assert done.returncode == 0, done.stderr
    assert "tag to create: v0.2.0" in done.stdout
    notes = done.stdout.partition("## v0.2.0")[2]
    assert "### Feat\n\n- **orders**: take orders\n\n### Fix\n\n- count once" in notes
    assert "say how" not in notes
    assert git(checkout, "rev-parse", "HEAD") == head
    (checkout / "README.md").write_text("Not committed.")
    done = run("make", "release", cwd=checkout, env=environment)
    assert done.returncode != 0
    assert "Commit or stash first" in done.stderr
    git(checkout, "checkout", "README.md")
    done = run("make", "release", cwd=checkout, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert git(checkout, "tag", "--points-at", "HEAD") == "v0.2.0"
    assert git(checkout, "log", "-1", "--format=%s") == "chore: release 0.2.0"
    assert git(checkout, "status", "--porcelain") == ""
    told = run("make", "-s", "release-notes", cwd=checkout, env=environment).stdout
    assert "- **orders**: take orders" in told
    for target in ("lock-check", "docs-check"):
        assert run("make", target, cwd=checkout, env=environment).returncode == 0, target


def test_a_change_log_of_another_form_is_not_taken_apart(
    run: Run, checkout: Path, environment: Environment
) -> None:
    """Whoever wrote chapters by hand keeps them, and is told what to do."""
    (checkout / "CHANGELOG.md").write_text("# Changes\n\n## 1.0 - in spring\n\nAll is new.\n")
    commit(checkout, "feat: take orders")
    done = run("make", "release", cwd=checkout, env=environment)
    assert done.returncode != 0
    assert "give it another name" in done.stderr
    assert git(checkout, "status", "--porcelain") == ""
    assert git(checkout, "tag") == ""


def test_the_pipeline_reads_its_versions_or_says_which_row_is_missing(
    run: Run, checkout: Path, environment: Environment
) -> None:
    """They are those of Dockerfile and compose.yaml."""
    done = run("make", "-s", "ci-values", cwd=checkout, env=environment)
    assert re.fullmatch(r"python=3\.1\d\npostgres=postgres:\S+\ncache=\S+\n", done.stdout)
    docker = checkout / "Dockerfile"
    docker.write_text(docker.read_text().replace("ARG PYTHON_VERSION=", "ARG PYTHON="))
    done = run("make", "-s", "ci-values", cwd=checkout, env=environment)
    assert done.returncode != 0
    assert "Dockerfile needs a row ARG PYTHON_VERSION=" in done.stderr


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_named(
    run: Run, checkout: Path, environment: Environment, port: str
) -> None:
    """Before any server starts."""
    done = run("make", "run", cwd=checkout, env=environment | {"PORT": port})
    assert done.returncode != 0
    assert f"PORT is {port!r}: it must be a number from 1 to 65535." in done.stderr
    assert not (checkout / ".data").exists()


def test_what_is_waived_for_the_audit_is_waived_for_the_scan(
    run: Run, checkout: Path, environment: Environment
) -> None:
    """One list with one rule: a waiver that has expired fails both."""
    waivers = checkout / "audit-waivers.toml"
    waivers.write_text(WAIVER.format("9999-12-31"))
    done = run("make", "-s", "scan-waivers", cwd=checkout, env=environment)
    assert (done.returncode, done.stdout) == (0, "CVE-2026-0001\n"), done.stderr
    waivers.write_text(WAIVER.format("2026-11-01"))
    done = run("make", "-s", "scan-waivers", cwd=checkout, env=environment)
    assert done.returncode != 0
    assert "was waived until 2026-11-01" in done.stderr
    waivers.write_text(WAIVER.format("9999-12-31").replace("CVE-2026-0001", "*"))
    done = run("make", "-s", "scan-waivers", cwd=checkout, env=environment)
    assert (done.returncode != 0, done.stdout.strip()) == (True, "")
    assert "waiver 1 needs an id" in done.stderr


def test_every_kind_of_artefact_is_read(run: Run, checkout: Path, environment: Environment) -> None:
    """A fresh service passes; a fault in each kind of file fails by the name of its checker."""
    done = run("make", "check-artifacts", cwd=checkout, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    for name, (text, _) in BROKEN.items():
        plant(checkout, name, text)
    done = run("make", "check-artifacts", cwd=checkout, env=environment)
    assert done.returncode != 0
    failures = done.stdout.splitlines()[-1]
    assert failures.startswith("Failed: ")
    assert [word for _, word in BROKEN.values() if word not in failures] == [], done.stdout


@pytest.mark.full
@pytest.mark.parametrize("stage", FAULTS)
def test_a_fault_reddens_its_own_stage_alone(
    run: Run, settled: Path, environment: Environment, stage: str
) -> None:
    """Whoever looks at the pipeline sees at once what kind of fault it is."""
    plant(settled, *FAULTS[stage])
    failed = [each for each in FAULTS if run("make", each, cwd=settled, env=environment).returncode]
    assert failed == [stage]


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_make_ci_passes_in_a_fresh_service(
    run: Run, settled: Path, environment: Environment
) -> None:
    """All stages but those that it names as not run."""
    done = run("make", "ci", cwd=settled, env=environment)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    stages = re.findall(r"^== ([a-z-]+)$", done.stdout, re.MULTILINE)
    assert stages[:3] == ["lock-check", "lint", "types"]
    assert {"test-unit", "test-integration", "coverage-floor", "test-security"} <= set(stages)
    told = done.stdout.rpartition("Not run here: ")[2]
    assert "audit, the scan of the image, publishing." in told
    assert ("smoke-image" in stages) != ("smoke-image" in told)
    assert git(settled, "status", "--porcelain") == ""


@pytest.mark.full
@pytest.mark.timeout(600)
def test_it_runs_as_in_production(run: Run, checkout: Path, environment: Environment) -> None:
    """Behind nginx, with a role that owns nothing, all checks and journeys pass."""
    installed("nginx", "nginx-light")
    done = run("make", "test-prodlike", cwd=checkout, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok    redirect to https" in done.stdout
    assert "2 passed" in done.stdout
    assert done.stdout.endswith("It runs as in production, and is well.\n")


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", UNLIKE_PRODUCTION)
def test_what_is_not_production_fails(
    run: Run, checkout: Path, environment: Environment, fault: str
) -> None:
    """Development's mode, too many rights or one process are found and named."""
    installed("nginx", "nginx-light")
    name, old, new = UNLIKE_PRODUCTION[fault]
    path = checkout / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    done = run("make", "test-prodlike", cwd=checkout, env=environment)
    assert done.returncode != 0
    assert fault in done.stdout, done.stdout + done.stderr


def test_without_nginx_it_says_so(run: Run, checkout: Path, environment: Environment) -> None:
    """One sentence, before anything else is done."""
    path = checkout / "dev" / "prodlike.py"
    path.write_text(path.read_text().replace('find("nginx")', 'find("nginx-of-nobody")'))
    done = run("make", "test-prodlike", cwd=checkout, env=environment)
    assert done.returncode != 0
    assert done.stdout == (
        "nginx-of-nobody is missing: install it, as `apt-get install nginx-of-nobody`.\n"
    )
