"""Services of any release are examined from outside, one by one or as a table."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import copier
import pytest
from packaging.version import Version

import fleet
import release
from tests.harness.projects import find_uv
from tests.support import ROOT, commit, files, git
from tests.update.gate import NEWEST
from tests.variants import VARIANTS

OLD = "v0.3.0"
RELEASES = [Version("0.10.0"), Version("0.9.1"), Version("0.9.0")]


def nox(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a session of this repository as it is typed in another folder."""
    environ = os.environ | {"PATH": f"{Path(find_uv()).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "nox", "--noxfile", str(ROOT / "noxfile.py"), *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environ, check=False, capture_output=True, text=True
    )


def entry(name: str, state: str) -> dict[str, str]:
    """Return a hardening of a report."""
    return {"id": name, "severity": "low", "title": f"What {name} does", "state": state}


def test_releases_behind() -> None:
    """As versions are counted, and unknown where the template was no release."""
    found = {text: fleet.behind(text, RELEASES) for text in ("0.10.0", "0.9.0", "0.9.0-3-gabc")}
    assert found == {"0.10.0": 0, "0.9.0": 2, "0.9.0-3-gabc": None}


def test_the_table_has_what_somebody_lacks() -> None:
    """A row for each service and a column for each such hardening; the rest stands below."""
    about: dict[str, Any] = {"framework": "django", "faults": []}
    one = [entry("PS-1", "present"), entry("PS-2", "missing"), entry("PS-3", "waived")]
    two = [entry("PS-1", "present"), entry("PS-2", "drifted")]
    reports = [
        {"path": "one", "version": "0.9.0", "behind": 2, **about, "hardenings": one},
        {"path": "elsewhere", "fault": "It is no service."},
        {
            **about,
            **{"path": "the/other", "version": "unreleased", "behind": None, "hardenings": two},
            "faults": ["A waiver expired."],
        },
    ]
    assert "\n".join(fleet.table(reports)).splitlines() == [
        "service    framework  release     behind  PS-2  PS-3",
        "one        django     0.9.0       2       m     w",
        "the/other  django     unreleased  ?       D",
        "elsewhere  It is no service.",
        "the/other  A waiver expired.",
        "",
        "PS-2  low: What PS-2 does",
        "PS-3  low: What PS-3 does",
        "+ present, m missing, D drifted, w waived, blank: does not apply",
    ]


def test_a_path_that_is_no_service(tmp_path: Path) -> None:
    """One sentence, in the table as where it was asked for alone, and the exit code is 2."""
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / ".copier-answers.yml").write_bytes(b"\xff: [")
    for session in (["-s", "fleet", "--", "there", "here"], ["-s", "doctor(here)"]):
        done = nox(*session, cwd=tmp_path)
        assert done.returncode != 0
        assert "here has no .copier-answers.yml: it is no service of this template." in done.stdout
        assert "exit code 2" in done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        assert ("there  Its answers cannot be rendered: " in done.stdout) == ("there" in session)


@pytest.fixture
def services(history: Path, tmp_path: Path) -> Path:
    """Return a folder with two committed services: one of an earlier release, one of the newest."""
    for name, framework, tag in (("old", "fastapi", OLD), ("new", "django", NEWEST)):
        copier.run_copy(
            str(history), tmp_path / name, data=VARIANTS[framework] | {"registry": "none"},
            vcs_ref=tag, defaults=True, unsafe=True, quiet=True,
        )  # fmt: skip
        commit(tmp_path / name)
    return tmp_path


@pytest.mark.full
def test_a_fleet_of_two_releases(services: Path) -> None:
    """The older one lacks what came after it, the newest nothing, and neither is changed.

    What hangs on a question that is newer than a service, as on `registry`, is not asked of it.
    """
    text = (services / "new" / "dev" / "doctor" / "hardenings.toml").read_text()
    since = {each["id"]: each["since"] for each in tomllib.loads(text)["hardening"]}
    later = {name for name, born in since.items() if Version(born) > Version(OLD)}
    assert 0 < len(later) < len(since)
    assert "PS-040" not in since
    done = nox("-s", "fleet", "--", "old", "new", "nowhere", "--json", cwd=services)
    old, new, nowhere = json.loads(done.stdout)
    assert {each["id"] for each in old["hardenings"] if each["state"] == "missing"} == later
    assert {each["state"] for each in old["hardenings"]} == {"present", "missing"}
    assert {each["state"] for each in new["hardenings"]} == {"present"}
    assert (old["version"], new["behind"], nowhere["path"]) == ("0.3.0", 0, "nowhere")
    releases = release.versions((ROOT / "CHANGELOG.md").read_text())
    assert old["behind"] == releases.index(Version(OLD))
    for name in ("old", "new"):
        assert git(services / name, "status", "--porcelain", "--ignored") == ""
        assert not [path for path in files(services / name) if path.suffix == ".pyc"]


@pytest.mark.full
def test_one_service_from_outside(services: Path) -> None:
    """The session's name has its path, and it says what the doctor says."""
    done = nox("-s", "doctor(old)", cwd=services)
    assert done.returncode != 0
    assert "What is missing came after 0.3.0: `copier update` brings it.\n" in done.stdout
    assert "demo of 0.3.0, examined by " in done.stdout
