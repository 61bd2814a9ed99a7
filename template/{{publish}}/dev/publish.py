"""Publish the image that was tested, and give it names; nothing is built here. Needs skopeo.

python3 dev/publish.py push NAME ARCHIVE                  of the commit in GITHUB_SHA, GITHUB_REF
python3 dev/publish.py promote NAME DIGEST ENVIRONMENT    staging, and then production
python3 dev/publish.py check DIGEST
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
ENVIRONMENTS = ("staging", "production")  # in this order


def tags(ref: str, version: str) -> list[str]:
    """Return the tags, besides that of its commit, under which what `ref` names is published."""
    if ref == "refs/heads/main":
        return ["latest"]
    found = re.fullmatch(r"refs/tags/v((\d+\.\d+)\.\d+)", ref)
    if not found:
        rule = f"that is for main and for tags like v{version}"
        sys.exit(f"{ref or 'Nothing'} is not published: {rule}.")
    if found[1] != version:
        sys.exit(f"{ref} is no tag of version {version}: `make release` makes both.")
    return [found[1], found[2]]


def check(digest: str) -> str:
    """Return the digest; a tag is none, because it can move."""
    if not DIGEST.fullmatch(digest):
        sys.exit(f"{digest or 'Nothing'} is no digest, which is sha256: and 64 digits from 0 to f.")
    return digest


def skopeo(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run skopeo, which logs in with what `docker login` or `skopeo login` left."""
    if not shutil.which("skopeo"):
        sys.exit("skopeo is missing: install it, as `apt-get install skopeo`.")
    return subprocess.run(["skopeo", *arguments], capture_output=True)


def digest_of(name: str, tag: str) -> str:
    """Return the digest that a tag stands for, or "" where there is no such tag."""
    done = skopeo("inspect", "--raw", f"docker://{name}:{tag}")
    if done.returncode:
        # Some registries deny what is not there; who may not push is told so when it pushes.
        if re.search(rb"manifest unknown|name unknown|not found|denied|unauthorized", done.stderr):
            return ""
        sys.exit(done.stderr.decode(errors="replace"))
    return f"sha256:{hashlib.sha256(done.stdout).hexdigest()}"


def copy(source: str, target: str) -> None:
    """Copy an image, or end with the reason why not."""
    done = skopeo("copy", "--quiet", source, target)
    if done.returncode:
        sys.exit(done.stderr.decode(errors="replace"))


def name_it(name: str, digest: str, tag: str) -> None:
    """Let a tag stand for a digest that is there already."""
    copy(f"docker://{name}@{digest}", f"docker://{name}:{tag}")
    if digest_of(name, tag) != digest:
        sys.exit(f"{name}:{tag} is not {digest} now.")
    print(f"{name}:{tag} is {digest}", file=sys.stderr)


def push(name: str, archive: str) -> None:
    """Push the image of a file and print its digest. A commit has one image: the first."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    wanted = tags(os.environ.get("GITHUB_REF", ""), version)
    commit = f"sha-{os.environ['GITHUB_SHA']}"
    if not digest_of(name, commit):
        copy(f"docker-archive:{archive}", f"docker://{name}:{commit}")
    digest = digest_of(name, commit)
    for tag in wanted:
        name_it(name, digest, tag)
    print(digest)


def promote(name: str, digest: str, environment: str) -> None:
    """Let the environment's name stand for the digest, which the one before it must have had."""
    if environment not in ENVIRONMENTS:
        sys.exit(f"There is no environment {environment!r}, but {' and '.join(ENVIRONMENTS)}.")
    check(digest)
    for earlier in ENVIRONMENTS[: ENVIRONMENTS.index(environment)]:
        if (found := digest_of(name, earlier)) != digest:
            sys.exit(f"{earlier} is {found or 'nothing yet'}: promote {digest} to {earlier} first.")
    name_it(name, digest, environment)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["push", name, archive] if archive:
            push(name, archive)
        case ["promote", name, digest, environment]:
            promote(name, digest, environment)
        case ["check", digest]:
            check(digest)
        case _:
            sys.exit(__doc__)
