"""The image that was tested is the one that is published and promoted; a registry proves it."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import Render
from tests.harness.programs import installed
from tests.harness.roles import free_port
from tests.harness.waiting import until
from tests.variants import VARIANTS

pytestmark = pytest.mark.full

Make = Callable[..., subprocess.CompletedProcess[str]]

COMMIT = "0123456789" * 4
TYPES = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Yield the address of an empty registry."""
    address = f"127.0.0.1:{free_port()}"
    (tmp_path / "registry.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: '{address}'}}\n"
        f"storage: {{filesystem: {{rootdirectory: '{tmp_path}/registry'}}}}\n"
    )
    program = installed("docker-registry", "docker-registry")
    with subprocess.Popen([program, "serve", str(tmp_path / "registry.yml")]) as server:
        try:
            until(lambda: answers(address), "the registry does not start")
            yield address
        finally:
            server.terminate()


def answers(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/v2/", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def make(registry: str, render: Render, tmp_path: Path) -> Make:
    """Return a function that runs a target of a service which is published to the registry."""
    installed("skopeo", "skopeo")
    service = render(VARIANTS["fastapi"]).project_dir
    assert service
    settings = tmp_path / ".config" / "containers" / "registries.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[[registry]]\nlocation = "{registry}"\ninsecure = true\n')
    environ = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": COMMIT,
    }

    def run(target: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", "-s", target, f"IMAGE_NAME={registry}/x/demo"],
            cwd=service, env=environ | variables, check=False, capture_output=True, text=True,
        )  # fmt: skip

    return run


def image(path: Path, content: bytes) -> str:
    """Write an image of one file as `docker save` does; return the digest of its configuration."""
    layer = archive({"content": content})
    empty = {"architecture": "amd64", "os": "linux", "config": {}}
    layers = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}
    config = json.dumps({**empty, "rootfs": layers}).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": ["demo:local"], "Layers": ["layer.tar"]}]
    files = {"manifest.json": json.dumps(manifest).encode(), name: config, "layer.tar": layer}
    path.write_bytes(archive(files))
    return f"sha256:{hashlib.sha256(config).hexdigest()}"


def archive(files: dict[str, bytes]) -> bytes:
    """Return a tar file."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def published(registry: str) -> dict[str, tuple[str, str]]:
    """Return the digest of manifest and configuration that each tag stands for."""
    with httpx.Client(base_url=f"http://{registry}/v2/x/demo", trust_env=False) as client:
        listed = client.get("/tags/list")
        found = {}
        for tag in listed.json().get("tags") or [] if listed.status_code == 200 else []:
            manifest = client.get(f"/manifests/{tag}", headers=TYPES)
            digest = manifest.headers["Docker-Content-Digest"]
            found[tag] = (digest, manifest.json()["config"]["digest"])
        return found


def test_what_was_tested_is_what_is_published(make: Make, registry: str, tmp_path: Path) -> None:
    """One digest for the commit and for `latest`, and it is the image of the file."""
    tested = image(tmp_path / "image.tar", b"one")
    done = make("publish", ARCHIVE=str(tmp_path / "image.tar"))
    assert done.returncode == 0, done.stderr
    digest = done.stdout.strip()
    assert published(registry) == dict.fromkeys([f"sha-{COMMIT}", "latest"], (digest, tested))


def test_a_commit_has_one_image(make: Make, registry: str, tmp_path: Path) -> None:
    """A version names the image that its commit has already; it is not replaced."""
    tested = image(tmp_path / "image.tar", b"one")
    first = make("publish", ARCHIVE=str(tmp_path / "image.tar")).stdout
    image(tmp_path / "image.tar", b"two")
    done = make("publish", ARCHIVE=str(tmp_path / "image.tar"), GITHUB_REF="refs/tags/v0.1.0")
    assert (done.returncode, done.stdout) == (0, first), done.stderr
    names = [f"sha-{COMMIT}", "latest", "0.1.0", "0.1"]
    assert published(registry) == dict.fromkeys(names, (first.strip(), tested))


def test_a_pull_request_publishes_nothing(make: Make, registry: str, tmp_path: Path) -> None:
    """Even with all rights it would be refused."""
    image(tmp_path / "image.tar", b"one")
    done = make("publish", ARCHIVE=str(tmp_path / "image.tar"), GITHUB_REF="refs/pull/7/merge")
    assert done.returncode != 0
    assert "refs/pull/7/merge is not published" in done.stderr
    assert published(registry) == {}


def test_one_digest_goes_from_staging_to_production(
    make: Make, registry: str, tmp_path: Path
) -> None:
    """Production takes what staging has and nothing else; its digest stays what it was."""
    image(tmp_path / "image.tar", b"one")
    digest = make("publish", ARCHIVE=str(tmp_path / "image.tar")).stdout.strip()
    early = make("promote", DIGEST=digest, ENVIRONMENT="production")
    assert early.returncode != 0
    assert "staging is nothing yet: promote" in early.stderr
    for environment in ("staging", "production"):
        done = make("promote", DIGEST=digest, ENVIRONMENT=environment)
        assert done.returncode == 0, done.stderr
        assert published(registry)[environment][0] == digest
    by_tag = make("promote", DIGEST="latest", ENVIRONMENT="staging")
    assert by_tag.returncode != 0
    assert "latest is no digest" in by_tag.stderr
    unknown = make("promote", DIGEST=f"sha256:{'0' * 64}", ENVIRONMENT="staging")
    assert unknown.returncode != 0
    assert published(registry)["staging"][0] == digest
