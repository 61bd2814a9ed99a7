"""A render is complete, reproducible, quiet and leaves nothing behind."""

import itertools
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import copier
import pytest
import yaml
from jinja2 import UndefinedError
from packaging.version import Version

from tests.conftest import VERSION, Render
from tests.support import GIT_ENVIRONMENT, commit, files
from tests.variants import VARIANTS

# What may differ between the two frameworks: each one's own way to wire, to migrate and to start.
ONLY_IN = {
    "django": [
        r"src/(accounts|apps/\w+)/(migrations/.*|admin\.py|serializers\.py|urls\.py|views\.py)",
        r"src/access/(management|migrations)/.*",
        r"src/apps/\w+/filters\.py",
        r"(src/config|tests/config)/(test_)?assets\.py",
        r"src/config/(base|build|development|django_setup|production|test|urls|wsgi)\.py",
        r"src/config/(models|negotiation|serializers|spectacular|views)\.py",
        r"tests/accounts/test_admin\.py",
        r"tests/config/test_(deployment|models|serializers)\.py",
        r"(src|tests)/config/postgresql/.*",
    ],
    "fastapi": [
        r"migrations/.*",
        r"src/main\.py",
        r"src/(accounts|apps/\w+)/(endpoints|schemas)\.py",
        r"src/accounts/(commands|selectors)\.py",
        r"src/access/migrations/versions/.*",
        r"tests/access/conftest\.py",
        r"src/config/(commands|conditional|database|local_store|routes|schemas)\.py",
        r"tests/config/test_(commands|conditional|database|deadline)\.py",
        r"tests/config/test_(local_store|migrations|requests|schemas)\.py",
        r"tests/(accounts/test_services|apps/articles/test_(links|loading))\.py",
    ],
}

# The words of an option, which a service without it does not know.
WORDS = {
    "django": r"django|\bdrf\b",
    "fastapi": r"fastapi|starlette|sqlalchemy|alembic|uvicorn|asgi",
    "Apache-2.0": r"apache",
    "BSD-3-Clause": r"\bbsd\b|redistributions",
    "MIT": r"\bMIT\b",
    "Proprietary": r"proprietary|all rights reserved",
    "ghcr": r"ghcr|packages: (read|write)",
    "dockerhub": r"docker ?hub|docker\.io",
}

# Only a fresh service with the example knows of it.
WORDS_OF_EXAMPLE = r"\barticles?\b"

# Only a service that is published knows of these.
WORDS_OF_PUBLISHING = r"skopeo|publish\.(py|mk)|make promote|attest|docker/login|publishing"

# GitHub's own expressions are all that may look like Jinja's.
BRACES = re.compile(r"\{\{(?! *\})|\{%|\{#")
BRACES_ALLOWED = re.compile(r"\$\{\{ [^}]+ \}\}")

AUDIT = """
    import os, sys

    def refuse(event, arguments):
        if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
            os._exit(91)
        if event in {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"}:
            # Python's own `platform` asks uname which processor it runs on.
            if os.path.basename(os.fsdecode(arguments[0])) not in {"git", "uname"}:
                os._exit(92)

    sys.addaudithook(refuse)
"""


def same_tree(one: Path, other: Path) -> bool:
    """Tell whether two folders hold the same files with the same bytes and modes."""

    def content(folder: Path) -> dict[Path, tuple[bytes, int]]:
        return {
            path: ((folder / path).read_bytes(), (folder / path).stat().st_mode)
            for path in files(folder)
        }

    return content(one) == content(other)


def test_no_suffix_no_expression_and_no_empty_folder_is_left(service: Path) -> None:
    """What Copier was to replace has been replaced, and a layer that is off has no folder."""
    for path in files(service):
        assert path.suffix != ".jinja"
        assert not BRACES.search(str(path)), path
        text = (service / path).read_text()
        if path.parts[:2] in {(".github", "actions"), (".github", "workflows")}:
            text = BRACES_ALLOWED.sub("", text)
        if found := BRACES.search(text):
            line = text.count("\n", 0, found.start()) + 1
            raise AssertionError(f"{path}:{line} holds {found.group()}")
        assert not re.search(r"^\s*#: ?(if|else|endif|for)\b", text, re.MULTILINE), path
    assert not [path for path in service.rglob("*") if path.is_dir() and not any(path.iterdir())]


def test_each_file_ends_with_one_newline(service: Path) -> None:
    """The service's own hooks would otherwise change what the next update compares."""
    for path in files(service):
        content = (service / path).read_bytes()
        assert not content or (content.endswith(b"\n") and not content.endswith(b"\n\n")), path
        assert not re.search(rb"[ \t]$", content, re.MULTILINE), f"{path} has trailing blanks"


def test_no_word_of_an_option_that_was_not_chosen(service: Path, variant: str) -> None:
    """A reader of a Django service never meets FastAPI, and the other way round."""
    answers = yaml.safe_load((service / ".copier-answers.yml").read_text())
    absent = [words for word, words in WORDS.items() if word not in answers.values()]
    absent += [] if answers["example_domain"] else [WORDS_OF_EXAMPLE]
    absent += [WORDS_OF_PUBLISHING] if answers["registry"] == "none" else []
    pattern = re.compile("|".join(absent), re.IGNORECASE)
    for path in files(service):
        assert not pattern.search(str(path)), path
        for number, line in enumerate((service / path).read_text().splitlines(), 1):
            assert not pattern.search(line), f"{variant}, {path}:{number}: {line.strip()}"


def test_frameworks_differ_only_where_their_idiom_does(services: Callable[[str], Path]) -> None:
    """Whoever knows one service finds everything in the other."""
    trees = {name: {str(path) for path in files(services(name))} for name in ONLY_IN}
    for name, other in itertools.permutations(ONLY_IN):
        allowed = re.compile("|".join(ONLY_IN[name]))
        surplus = [path for path in trees[name] - trees[other] if not allowed.fullmatch(path)]
        assert not surplus, f"only in {name}: {sorted(surplus)}"


def test_make_lists_the_same_commands_in_both(services: Callable[[str], Path]) -> None:
    """One runbook serves both frameworks."""
    listed = [
        subprocess.run(
            ["make", "--no-print-directory", "help"],
            cwd=services(name), check=True, capture_output=True, text=True,
        ).stdout
        for name in ONLY_IN
    ]  # fmt: skip
    assert listed[0] == listed[1]
    assert "run" in listed[0]


def test_rendering_twice_gives_the_same_bytes(render: Render, service: Path, variant: str) -> None:
    """Nothing random and nothing of this machine or moment is rendered."""
    again = render(VARIANTS[variant]).project_dir
    assert again
    assert again != service
    assert same_tree(again, service)


def test_the_answers_file_holds_every_answer_and_the_version(service: Path) -> None:
    """An update starts from what is recorded here."""
    text = (service / ".copier-answers.yml").read_text()
    answers = yaml.safe_load(text)
    assert answers["_commit"] == VERSION
    assert str(Version(VERSION)) in (service / "src/config/identity.py").read_text()
    assert text.startswith("# Written by Copier")


def test_a_template_that_names_nothing_is_an_error(own_template: Path, tmp_path: Path) -> None:
    """A misspelt answer fails the render; it does not render as nothing."""
    (own_template / "template" / "typo.txt.jinja").write_text("{{ project_nam }}\n")
    commit(own_template, tag="v9")
    with pytest.raises(UndefinedError, match="project_nam"):
        copier.run_copy(
            str(own_template), tmp_path / "out", data={"project_name": "Demo"},
            defaults=True, unsafe=True, quiet=True,
        )  # fmt: skip


def test_two_layers_may_not_write_one_path(own_template: Path, tmp_path: Path) -> None:
    """Every render of these tests runs without --overwrite, where Copier refuses it."""
    clash = own_template / "template" / "{{django}}" / "Makefile"
    clash.parent.mkdir(exist_ok=True)
    clash.write_text("all:\n")
    commit(own_template, tag="v9")
    with pytest.raises((EOFError, OSError, copier.errors.InteractiveSessionError)):
        copier.run_copy(
            str(own_template), tmp_path / "out", data={"project_name": "Demo"},
            defaults=True, unsafe=True, quiet=True,
        )  # fmt: skip


def test_an_older_copier_is_refused(own_template: Path, tmp_path: Path) -> None:
    """One sentence says which version is needed, and nothing is written."""
    questions = own_template / "copier.yml"
    questions.write_text(questions.read_text().replace('"9.19.0"', '"99.0.0"'))
    commit(own_template, tag="v9")
    with pytest.raises(copier.errors.UnsupportedVersionError, match=r"99\.0\.0"):
        copier.run_copy(str(own_template), tmp_path / "out", defaults=True, unsafe=True)
    assert not (tmp_path / "out").exists()


def test_rendering_needs_no_network_and_starts_only_git(template: Path, tmp_path: Path) -> None:
    """An audit hook ends Copier at the first connection and the first other program."""
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "sitecustomize.py").write_text(textwrap.dedent(AUDIT))
    environment = os.environ | GIT_ENVIRONMENT
    environment |= {"PYTHONPATH": str(tmp_path / "hooks"), "GIT_ALLOW_PROTOCOL": "file"}
    offline = ["unshare", "--map-root-user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*offline, "true"], check=False).returncode:
        offline = []

    def python(*arguments: str) -> int:
        command = [*offline, sys.executable, *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, check=False).returncode

    assert python("-c", "import socket; socket.create_connection(('127.0.0.1', 9))") == 91
    assert python("-c", "import subprocess; subprocess.run(['true'])") == 92
    copy = ["copy", "--trust", "--defaults", "--data", "project_name=Demo", str(template), "out"]
    assert python("-m", "copier", *copy) == 0


def test_a_fresh_service_stages_no_secret(service: Path, tmp_path: Path) -> None:
    """The first commit of a service can be pushed where everybody reads it."""
    copy = shutil.copytree(service, tmp_path / "service")
    commit(copy)

    def scanned() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "dev/secret_scan.py"]
        return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)

    assert scanned().returncode == 0, scanned().stdout
    (copy / "planted.py").write_text('KEY = "' + "AKIA" + 'Q3EGRZ7XK5WJ2M4T"\n')
    assert scanned().returncode == 1
    assert "planted.py" in scanned().stdout
