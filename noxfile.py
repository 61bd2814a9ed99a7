"""Sessions that a person types: `nox --list` shows them, docs/maintaining.md when to run which.

The three sets of checks: *quick* is the README's test command (`nox -s tests` is the same), *full*
is `.ci/run` (that command, then `lint`, `types` and `full`), *scheduled* is `dependencies`,
`mutations`, `combinations` and `updates`.
"""

import re
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests"]

FRAMEWORKS = ["django", "fastapi"]
# `nox -s "doctor(PATH)"` is the session of whatever stands between the brackets.
PATHS = re.findall(r"\bdoctor\((.+?)\)", " ".join(sys.argv)) or ["PATH"]


def install(session: nox.Session) -> None:
    """Install the locked development group into the session's environment."""
    environment = {"UV_PROJECT_ENVIRONMENT": session.virtualenv.location}
    session.run_install("uv", "sync", "--frozen", "--quiet", env=environment, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting of the template's own code; `nox -s lint -- --fix` mends them."""
    install(session)
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", *([] if session.posargs else ["--check"]))


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the template's own code."""
    install(session)
    session.run("mypy", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the quick set; arguments after `--` go to pytest."""
    install(session)
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
def full(session: nox.Session) -> None:
    """Run what takes minutes and is not in the quick set; what is about time one by one."""
    install(session)
    if session.posargs:
        session.run("pytest", "-m", "full and not scheduled", "-rs", *session.posargs)
        return
    session.run("pytest", "-m", "full and timed", "-rs", "tests")
    rest = "full and not timed and not scheduled"
    session.run("pytest", "-n", "auto", "-m", rest, "-rs", "tests")


@nox.session
@nox.parametrize("framework", FRAMEWORKS, ids=FRAMEWORKS)
def service(session: nox.Session, framework: str) -> None:
    """Run every test of one framework's rendered service, the contract included."""
    install(session)
    session.run(
        *["pytest", "-n", "auto", "-m", "not scheduled", "--framework", framework],
        *(session.posargs or ["tests/service", "tests/contract"]),
    )


@nox.session
@nox.parametrize("framework", FRAMEWORKS, ids=FRAMEWORKS)
def mutations(session: nox.Session, framework: str) -> None:
    """Switch off each control of access: which tests notice? And run them all in two orders."""
    install(session)
    weekly = ["pytest", "-m", "scheduled", "--framework", framework, "tests/service"]
    session.run(*weekly, *session.posargs)


@nox.session
@nox.parametrize("framework", FRAMEWORKS, ids=FRAMEWORKS)
@nox.parametrize("resolution", ["highest", "lowest-direct"], ids=["newest", "lowest"])
def dependencies(session: nox.Session, resolution: str, framework: str) -> None:
    """Start a service on the newest or the lowest production dependencies that it allows."""
    install(session)
    session.run(
        *["pytest", "-m", "scheduled", "--framework", framework, "--resolution", resolution],
        *["tests/scheduled", *session.posargs],
    )


@nox.session
def combinations(session: nox.Session) -> None:
    """Render every combination of choices."""
    install(session)
    session.run(*["pytest", "-n", "auto", "-m", "scheduled", "tests/render"], *session.posargs)


@nox.session(venv_backend="none")
@nox.parametrize("path", PATHS, ids=PATHS)
def doctor(session: nox.Session, path: str) -> None:
    """Say which hardenings of this working tree a service has; also `nox -s doctor -- PATH…`."""
    if [path, *session.posargs] == ["PATH"]:
        session.error('Name the folder of a service: nox -s "doctor(../parcels)"')
    examine(session, "--each", *(session.posargs or [path]))


@nox.session(venv_backend="none")
def fleet(session: nox.Session) -> None:
    """Print a table of services, `nox -s fleet -- PATH…`, and what they lack; also `--json`."""
    examine(session, *session.posargs)


def examine(session: nox.Session, *arguments: str) -> None:
    """Run fleet.py where the session was typed, with the locked development group."""
    here = str(Path(__file__).parent)
    with session.chdir(session.invoked_from):
        command = ["uv", "run", "--quiet", "--frozen", "--project", here, f"{here}/fleet.py"]
        session.run(*command, *arguments)


@nox.session
def updates(session: nox.Session) -> None:
    """Update services of every release, all golden ones included, with the newest Copier."""
    install(session)
    newest = ["copier", "copier-template-extensions", "jinja2", "jinja2-time"]
    session.run_install("uv", "pip", "install", "--quiet", "--upgrade", *newest, external=True)
    session.run("copier", "--version")
    session.run(*["pytest", "-n", "auto", "-m", "", "-rs", "tests/update"], *session.posargs)


@nox.session
def tags(session: nox.Session) -> None:
    """Make the git tags that CHANGELOG.md asks for."""
    install(session)
    session.run("python", "release.py")


@nox.session
def benchmark(session: nox.Session) -> None:
    """Measure and write benchmarks/results/."""
    install(session)
    session.run("python", "benchmarks/measure.py", *session.posargs)
