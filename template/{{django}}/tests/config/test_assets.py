"""The static files of an image: whole, hashed and compressed, or there is no image."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config import identity
from tests.support import run

Collect = Callable[[], subprocess.CompletedProcess[str]]
DOMAIN = "src/apps/planted"


def tag(text: str) -> str:
    """Return a tag of Django's templates; this file was rendered itself."""
    return "{" + f"% {text} %" + "}"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of what an image is built from, with a domain that has a page."""
    for name in ("manage.py", "pyproject.toml", "src"):
        source = identity.ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, tmp_path / name)
    files = {
        "__init__.py": '"""Planted."""\n',
        "static/planted/page.css": 'body { background: url("sky.svg"); }\n',
        "static/planted/sky.svg": "<svg/>\n",
        "templates/planted/page.html": tag("load static") + tag('static "planted/page.css"'),
    }
    for name, text in files.items():
        path = tmp_path / DOMAIN / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.fixture
def collect(tree: Path) -> Collect:
    """Return what the build of an image does with static files."""
    command = [sys.executable, "manage.py", "collectstatic", "--no-input"]
    return lambda: run(*command, environ={"ENVIRONMENT": "build"}, cwd=tree)


def test_each_file_has_its_hash_in_its_name(tree: Path, collect: Collect) -> None:
    """A name stands for its content for ever, in the answer and in what refers to it."""
    assert collect().returncode == 0
    names = json.loads((tree / "static" / "staticfiles.json").read_text())["paths"]
    assert names["admin/css/base.css"] != "admin/css/base.css"
    assert (tree / "static" / f"{names['admin/css/base.css']}.gz").is_file()
    page = (tree / "static" / names["planted/page.css"]).read_text()
    assert Path(names["planted/sky.svg"]).name in page


@pytest.mark.parametrize("missing", ["sky.svg", "page.css"])
def test_no_image_is_built_without_a_file(tree: Path, collect: Collect, missing: str) -> None:
    """A file that a stylesheet or a template names and nobody has is named."""
    (tree / DOMAIN / "static" / "planted" / missing).unlink()
    done = collect()
    assert done.returncode != 0
    assert missing in done.stdout + done.stderr
