"""`make doctor` says which hardenings a service has, and what it cannot say it says in a line."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import VERSION
from tests.harness.projects import Projects, find_uv
from tests.support import commit, git

Done = subprocess.CompletedProcess[str]
Doctor = Callable[..., Done]

COPIER = f"{shlex.quote(sys.executable)} -m copier"
NEWER = "v2.0.0"
# What is wrong is found by others (tests/service/test_doctor_checks.py); here it is made up.
EXAMINE = """
import json, tomllib
from pathlib import Path
here = Path(__file__).parent
ids = [each["id"] for each in tomllib.loads((here / "hardenings.toml").read_text())["hardening"]]
print(json.dumps(dict.fromkeys(ids, "") | FOUND))
"""
ANSWERS, LEDGER, WAIVERS = (
    ".copier-answers.yml",
    "dev/doctor/hardenings.toml",
    "doctor-waivers.toml",
)
WAIVER = '[[waiver]]\nid = "{}"\nreason = "The gateway does it."\nexpires = {}\n'
TODAY = datetime.now(UTC).date()
SOON = TODAY + timedelta(days=9)
NEXT = """
[[hardening]]
id = "PS-999"
title = "What comes next"
severity = "high"
since = "2.0.0"
rationale = "It is new."
check = "Nothing."
"""


@pytest.fixture(scope="session")
def born(projects: Projects, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a committed service with its packages, whose examination finds nothing wrong."""
    project = projects["fastapi"]
    target = tmp_path_factory.mktemp("doctor") / "service"
    ignored = shutil.ignore_patterns(".venv", ".data", ".*_cache", "__pycache__")
    shutil.copytree(project.development, target, ignore=ignored)
    (target / "dev" / "doctor" / "examine.py").write_text(EXAMINE.replace("FOUND", "{}"))
    commit(target, "chore: start")
    (target / ".venv").symlink_to(project.development / ".venv")
    return target


@pytest.fixture
def service(born: Path) -> Path:
    """Return this service to change; it is as it was before when the next test begins."""
    git(born, "reset", "--quiet", "--hard")
    git(born, "clean", "--quiet", "--force", "-d", "--exclude", ".venv")
    return born


@pytest.fixture
def doctor(service: Path) -> Doctor:
    """Return a function that runs the service's doctor."""

    def run(*arguments: str, **environ: str) -> Done:
        command = [sys.executable, "dev/doctor", *arguments]
        env = os.environ | {"UV": find_uv(), "COPIER": COPIER} | environ
        return subprocess.run(
            command, cwd=service, env=env, check=False, capture_output=True, text=True
        )

    return run


def edit(path: Path, old: str, new: str) -> None:
    """Replace what a pattern finds in a file, once."""
    text, count = re.subn(old, new, path.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1
    path.write_text(text)


def finding(service: Path, **found: str) -> None:
    """Let the examination find something wrong; `PS_001` is PS-001."""
    named = {name.replace("_", "-"): told for name, told in found.items()}
    stub = EXAMINE.replace("FOUND", repr(named))
    (service / "dev" / "doctor" / "examine.py").write_text(stub)


def states(done: Done) -> dict[str, str]:
    """Return the state of each hardening that is not present, of a report in JSON."""
    hardenings = json.loads(done.stdout)["hardenings"]
    return {each["id"]: each["state"] for each in hardenings if each["state"] != "present"}


def test_nothing_is_wrong(doctor: Doctor) -> None:
    """One line says so, and the exit code is 0."""
    done = doctor("--offline")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r"demo of 1\.2\.3, examined by 1\.2\.3: \d+ present, 0 missing, 0 drifted, 0 waived\.\n",
        done.stdout,
    )
    assert done.stderr == "No newer release was looked for.\n"


def test_what_came_later_is_missing_and_what_was_there_has_drifted(
    service: Path, doctor: Doctor
) -> None:
    """Each with what is wrong and what to do; the release that is recorded decides."""
    finding(service, PS_001="nobody asks", PS_043="it waits for ever")
    edit(service / ANSWERS, "^_commit: .*", "_commit: v0.3.0")
    done = doctor("--offline")
    assert done.returncode == 1
    missing, drifted = done.stdout.index("PS-043"), done.stdout.index("PS-001")
    assert missing < done.stdout.index("it waits for ever") < drifted
    assert drifted < done.stdout.index("nobody asks")
    assert "came after 0.3.0: `copier update` brings it." in done.stdout
    assert "mend what is named, or waive it in doctor-waivers.toml" in done.stdout
    assert done.stdout.endswith("1 missing, 1 drifted, 0 waived.\n")
    assert states(doctor("--offline", "--json")) == {"PS-001": "drifted", "PS-043": "missing"}


def test_the_report_for_programs_has_the_documented_keys(service: Path, doctor: Doctor) -> None:
    """Whoever reads it can rely on them."""
    finding(service, PS_001="nobody asks")
    report = json.loads(doctor("--offline", "--json").stdout)
    hardenings = report.pop("hardenings")
    assert report == {
        "service": "demo",
        "framework": "fastapi",
        "version": "1.2.3",
        "doctor": "1.2.3",
        "newest": None,
        "faults": [],
    }
    found = hardenings[0]
    assert found.pop("title")
    assert found.pop("severity") in {"high", "medium", "low"}
    assert found == {
        "id": "PS-001",
        "since": "0.1.0",
        "state": "drifted",
        "told": "nobody asks",
        "reason": None,
        "waived_until": None,
    }
    page = (service / "docs" / "hardenings.md").read_text()
    assert [key for key in (*report, *hardenings[1]) if f"`{key}`" not in page] == []


def test_an_examination_that_says_nothing_of_a_hardening_is_no_pass(
    service: Path, doctor: Doctor
) -> None:
    """Silence could be anything."""
    edit(service / LEDGER, r"\Z", NEXT)
    stub = EXAMINE.replace("| FOUND", "").replace("(ids", "(ids[:-1]")
    (service / "dev" / "doctor" / "examine.py").write_text(stub)
    assert states(doctor("--offline", "--json")) == {"PS-999": "missing"}


def test_a_waiver_lets_it_pass_for_a_time(service: Path, doctor: Doctor) -> None:
    """The day that it names is the last one, and how many are left is said."""
    finding(service, PS_001="nobody asks")
    (service / WAIVERS).write_text(WAIVER.format("PS-001", datetime.now(UTC).date()))
    done = doctor("--offline")
    assert done.returncode == 0, done.stdout
    assert re.search(r"^PS-001 .*, waived, 0 days left: ", done.stdout, re.MULTILINE)
    (service / WAIVERS).write_text(WAIVER.format("PS-001", SOON))
    assert "9 days left" in doctor("--offline").stdout
    [found] = [
        each
        for each in json.loads(doctor("--offline", "--json").stdout)["hardenings"]
        if each["state"] != "present"
    ]
    assert found["waived_until"] == str(SOON)
    assert found["reason"] == "The gateway does it."
    finding(service)
    done = doctor("--offline")
    assert (done.returncode, "PS-001  is waived and there: delete" in done.stdout) == (0, True)


def test_a_waiver_that_expired_fails(service: Path, doctor: Doctor) -> None:
    """What it let pass counts again, and so does the waiver where nothing is wrong any more."""
    (service / WAIVERS).write_text(WAIVER.format("PS-001", TODAY - timedelta(days=1)))
    done = doctor("--offline")
    assert done.returncode == 1
    assert "PS-001 was waived until" in done.stdout
    finding(service, PS_001="nobody asks")
    assert states(doctor("--offline", "--json")) == {"PS-001": "drifted"}


def test_a_waiver_of_nothing_fails(service: Path, doctor: Doctor) -> None:
    """Only one that a newer release's doctor asked for is left to that one."""
    (service / WAIVERS).write_text(WAIVER.format("PS-000", SOON))
    done = doctor("--offline")
    assert done.returncode == 1
    assert "PS-000 is no hardening of this service: delete the waiver" in done.stdout
    (service / WAIVERS).write_text(WAIVER.format("ps-999", SOON))
    assert doctor("--offline").returncode == 1
    (service / WAIVERS).write_text(WAIVER.format("PS-999", SOON))
    assert doctor("--offline").returncode == 0
    assert doctor().returncode == 1  # for there is no newer one


BROKEN: dict[str, tuple[str, str | None, str]] = {
    "no answers": (ANSWERS, None, "is not here"),
    "no answer": (ANSWERS, "- 1\n", "is not what Copier wrote"),
    "a conflict in the answers": (ANSWERS, "<<<<<<< before\nframework: django\n", "is not what"),
    "no ledger": (LEDGER, None, "is broken"),
    "no TOML": (LEDGER, "[[hardening\n", "is broken"),
    "no date of birth": (LEDGER, NEXT.replace('since = "2.0.0"\n', ""), "is broken"),
    "no such severity": (LEDGER, NEXT.replace("high", "red"), "is broken"),
    "no lock file that can be read": ("uv.lock", "version = [\n", "see whether `make setup` works"),
    "no project": ("pyproject.toml", None, "it has no pyproject.toml"),
    "a crash": ("dev/doctor/examine.py", "1 / 0\n", "ZeroDivisionError: division by zero"),
    "no result": ("dev/doctor/examine.py", "print(1, 2)\n", "could not be examined"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_cannot_be_examined_is_said_in_a_sentence(
    service: Path, doctor: Doctor, fault: str
) -> None:
    """The exit code is 2, a program reads nothing, and nothing in the service is changed."""
    name, text, told = BROKEN[fault]
    (service / name).unlink()
    if text is not None:
        (service / name).write_text(text)
    before = git(service, "status", "--porcelain")
    done = doctor("--offline", "--json")
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    [line] = done.stderr.removeprefix("No newer release was looked for.\n").splitlines()
    assert told in line
    assert git(service, "status", "--porcelain") == before


def test_a_service_that_nobody_set_up_is_examined_and_left_as_it_is(
    service: Path, doctor: Doctor, tmp_path: Path
) -> None:
    """Neither a lock file nor packages are made in it."""
    copy = tmp_path / "copy"
    shutil.copytree(service, copy, ignore=shutil.ignore_patterns(".venv", ".git", "uv.lock"))
    before = sorted(copy.rglob("*"))
    done = doctor(str(copy), "--offline")
    assert done.returncode == 0, done.stderr
    assert sorted(copy.rglob("*")) == before
    shutil.copy(service / "uv.lock", copy)
    assert doctor(str(copy), "--offline").returncode == 0
    assert not (copy / ".venv").exists()


def release(template: Path, tag: str = NEWER, *, doctor: bool = True) -> None:
    """Release a template with one hardening more, or without a doctor."""
    folder = template / "template" / "dev" / "doctor"
    if doctor:
        edit(folder / "hardenings.toml.jinja", r"\Z", NEXT)
        finding(template / "template", PS_999="it is not there")
    else:
        (folder / "__main__.py").unlink()
    commit(template, "chore: release", tag=tag)


def test_the_newest_releases_doctor_examines(
    service: Path, doctor: Doctor, own_template: Path
) -> None:
    """It knows what the service's own does not, wherever the template is; nothing is written."""
    release(own_template)
    relative = os.path.relpath(own_template, service)
    edit(service / ANSWERS, "^_src_path: .*", f"_src_path: {relative}")
    before = git(service, "status", "--porcelain", "--ignored")
    done = doctor("--json")
    assert done.returncode == 1, done.stderr
    assert states(done) == {"PS-999": "missing"}
    report = json.loads(done.stdout)
    told = {name: report[name] for name in ("version", "doctor", "newest")}
    assert told == {"version": "1.2.3", "doctor": "2.0.0", "newest": "2.0.0"}
    assert done.stderr == ""
    assert git(service, "status", "--porcelain", "--ignored") == before
    (service / WAIVERS).write_text(WAIVER.format("PS-999", SOON))
    assert doctor().returncode == 0


def test_a_question_that_is_new_is_answered_as_an_update_would(
    service: Path, doctor: Doctor, own_template: Path
) -> None:
    """What only comes with another answer is not missed."""
    folder = own_template / "template" / "dev" / "doctor"
    edit(
        own_template / "copier.yml", "^# COMPUTED", "mesh: {type: bool, default: true}\n# COMPUTED"
    )
    edit(folder / "as_before.toml", r"\Z", "mesh = false\n")
    edit(folder / "hardenings.toml.jinja", r"\Z", f"#: if mesh\n{NEXT}#: endif\n")
    finding(own_template / "template", PS_999="it is not there")
    commit(own_template, "chore: release", tag=NEWER)
    edit(service / ANSWERS, "^_src_path: .*", f"_src_path: {own_template}")
    done = doctor("--json")
    assert (json.loads(done.stdout)["doctor"], states(done)) == ("2.0.0", {}), done.stderr


def test_without_a_newer_release_its_own_doctor_is_the_newest(
    service: Path, doctor: Doctor
) -> None:
    """Nothing is to be said of where it was looked for."""
    done = doctor("--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["newest"] == VERSION.removeprefix("v")


@pytest.mark.parametrize(
    ("answers", "copier", "told"),
    [
        ({}, "/nonexistent/uvx copier", "No such file or directory"),
        ({"_src_path": "/nonexistent"}, COPIER, "Local template must be a directory"),
        ({"_src_path": "https://127.0.0.1:9/nobody.git"}, COPIER, "127.0.0.1"),
        ({"_commit": "v1.2.3-4-gabcdef0"}, COPIER, "1.2.3-4-gabcdef0, which is no release"),
        ({"licence": "Unheard-of"}, COPIER, "licence"),
    ],
    ids=["no uvx", "source gone", "source away", "no release", "answer unknown"],
)
def test_where_the_newest_cannot_be_had_its_own_doctor_examines(
    service: Path, doctor: Doctor, answers: dict[str, str], copier: str, told: str
) -> None:
    """One line says why, and the exit code is that of the examination."""
    for name, value in answers.items():
        edit(service / ANSWERS, f"^{name}: .*", f"{name}: {value}")
    done = doctor("--json", COPIER=copier)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["newest"] is None
    [line] = done.stderr.splitlines()
    assert line.startswith("No newer release could be had: ")
    assert told in line


def test_a_release_without_a_doctor_leaves_it_to_the_services_own(
    service: Path, doctor: Doctor, own_template: Path
) -> None:
    """So does a template that was never released."""
    release(own_template, doctor=False)
    edit(service / ANSWERS, "^_src_path: .*", f"_src_path: {own_template}")
    done = doctor()
    assert done.returncode == 0, done.stderr
    assert done.stderr == "No newer release could be had: 2.0.0 has no doctor.\n"
    git(own_template, "tag", "--delete", VERSION, NEWER)
    assert "has no release.\n" in doctor().stderr


def test_make_passes_on_what_it_is_told(service: Path) -> None:
    """`ARGS`, `DOCTOR` of the pipeline, and `COPIER` of who has another way to start it."""
    env = os.environ | {"UV": find_uv()}

    def make(*arguments: str) -> Done:
        command = ["make", "--no-print-directory", "doctor", *arguments]
        return subprocess.run(
            command, cwd=service, env=env, check=False, capture_output=True, text=True
        )

    done = make("DOCTOR=--offline", "ARGS=--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["version"] == "1.2.3"
    assert "'no-such-copier'" in make("COPIER=no-such-copier").stderr


def test_the_page_is_written_from_the_ledger(service: Path) -> None:
    """`make docs` takes a new row in, whatever its text."""
    edit(service / LEDGER, r"\Z", NEXT.replace("Nothing", "This | that"))
    subprocess.run([".venv/bin/python", "dev/reference.py"], cwd=service, check=True)
    row = "| PS-999 | high | What comes next | 2.0.0 | This \\| that. |\n"
    assert row in (service / "docs" / "hardenings.md").read_text()
