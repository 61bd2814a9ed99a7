"""Sessions that a person types: `nox --list` shows them, docs/maintaining.md when to run which.

The three sets of checks: *quick* is the README's test command (`nox -s tests` is the same), *full*
is `.ci/run` (that command, then `lint`, `types` and `full`), *scheduled* is `dependencies`,
`mutations` and `combinations`.
"""

import nox

nox.needs_version = ">=2026.4"
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests"]

FRAMEWORKS = ["django", "fastapi"]


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
        session.run("pytest", "-m", "full", "-rs", *session.posargs)
        return
    session.run("pytest", "-m", "full", "-rs", "tests/contract")
    session.run("pytest", "-n", "auto", "-m", "full", "-rs", "--ignore=tests/contract", "tests")


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
    """Switch off each control of access and look which tests of the service notice."""
    install(session)
    session.run(
        *["pytest", "-m", "scheduled", "--framework", framework],
        *["tests/service/test_mutations.py", *session.posargs],
    )


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
