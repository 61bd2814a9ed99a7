"""Each control that is taken away is missed by its own check, and by no other."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.version import Version

import release
from tests.harness.projects import Project
from tests.support import ROOT, files

Examine = Callable[[Path], dict[str, str]]


class Mutation(NamedTuple):
    """A text that stands once in a file of a service, and what replaces it."""

    file: str
    old: str
    new: str


ENVIRONMENT, TOKENS = "src/config/environment.py", "src/accounts/tokens.py"
CI, MAIN = ".github/workflows/ci.yml", ".github/workflows/main.yml"

# By the id; a second one of it has a word more.
BOTH: dict[str, Mutation] = {
    "PS-001": Mutation(
        ENVIRONMENT, "raise ConfigurationError(problems)", "raise ConfigurationError(problems[:1])"
    ),
    "PS-002": Mutation(ENVIRONMENT, 'os.environ.get(f"{name}_FILE")', "None"),
    "PS-003": Mutation(
        "src/config/startup.py", "redis=urlsplit(settings.redis).hostname", "redis=settings.redis"
    ),
    "PS-004": Mutation(
        "src/config/postgres.py", "cluster.startswith(EMBEDDED)", 'cluster == "embedded"'
    ),
    "PS-005": Mutation(ENVIRONMENT, '"test" not in parts["dbname"].split("_")', "False"),
    "PS-008": Mutation("src/entrypoint.py", 'os.write(writer, b"1")', "pass"),
    "PS-009": Mutation(
        "src/config/postgres.py",
        '        "statement_timeout": settings.database_statement_timeout,\n',
        "",
    ),
    "PS-010": Mutation("src/observability/request_id.py", "{1,128}", "{1,1280}"),
    "PS-011": Mutation(".pre-commit-config.yaml", "uv run detect-secrets-hook", "true"),
    "PS-012": Mutation(
        CI,
        "aquasecurity/trivy-action@ed142fd0673e97e23eac54620cfb913e5ce36c25",
        "aquasecurity/trivy-action@v0.36.0",
    ),
    "PS-013": Mutation("src/config/recycling.py", "worn.age = 0", "worn.age = 99"),
    "PS-014": Mutation("src/config/worker.py", "HEAD_SECONDS = 10.0", "HEAD_SECONDS = 1000.0"),
    "PS-016": Mutation("src/config/bodies.py", "MOST = 5_000", "MOST = 5_000_000"),
    "PS-019": Mutation(TOKENS, "algorithms=[ALGORITHM],", 'algorithms=[header["alg"]],'),
    "PS-020": Mutation(
        "src/observability/middleware.py", '"Cache-Control", "no-store"', '"Cache-Control", ""'
    ),
    "PS-021": Mutation("src/config/pagination.py", 'f"cursor:{scope}:"', '"cursor:"'),
    "PS-023": Mutation("dev/migration_lint.py", '    "ban-drop-table",\n', ""),
    "PS-024": Mutation(
        "src/access/public.py", " in routes()", ' in routes() or "/api/v1/" not in route'
    ),
    "PS-027": Mutation(
        "src/accounts/services.py", "if user.is_superuser and not actor.is_superuser:", "if False:"
    ),
    "PS-028": Mutation(
        "src/access/networks.py", "    if networks and not", "    if not networks and"
    ),
    "PS-029": Mutation("src/access/throttles.py", "    if not verdict.wait:\n", "    if True:\n"),
    "PS-030": Mutation(
        "src/access/networks.py",
        "    if not _is_in(found, trusted):\n        return",
        "    if False:\n        return",
    ),
    "PS-031": Mutation("src/config/https.py", 'f"https://{host}', 'f"http://{host}'),
    "PS-032": Mutation("src/config/security_headers.py", '    "Permissions-Policy": ', '    "X": '),
    "PS-033": Mutation(TOKENS, "(*given, *settings.jwt_signing_key_fallbacks)", "given"),
    "PS-034": Mutation(
        "src/observability/metrics.py",
        'return load().environment != "production"',
        "return True",
    ),
    "PS-036": Mutation(
        CI, "secrets-history, audit, test-security]", "secrets-history, test-security]"
    ),
    "PS-037": Mutation("Dockerfile", "USER 1000:1000", "USER root"),
    "PS-038": Mutation("compose.yaml", "internal: true", "internal: false"),
    "PS-039": Mutation(CI, "      - smoke\n", ""),
    "PS-037 owner": Mutation(
        "Dockerfile", "USER 1000:1000", "RUN chown -R 1000 /app\nUSER 1000:1000"
    ),
    "PS-038 machine": Mutation(
        "compose.production.yaml", "  read_only: true\n", "  read_only: true\n  pid: host\n"
    ),
    "PS-039 passes": Mutation(CI, "\n  static:\n", "\n  static:\n    continue-on-error: true\n"),
    "PS-039 secret": Mutation(CI, "\nenv:\n", "\nenv:\n  X: ${{ secrets.X }}\n"),
    "PS-040": Mutation(".github/workflows/deploy.yml", "make check-digest", "echo"),
    "PS-041": Mutation(CI, 'exit-code: "1"', 'exit-code: "0"'),
    "PS-042": Mutation("dev/roles.sql", "GRANT USAGE ON SCHEMA", "GRANT ALL ON SCHEMA"),
    "PS-042 power": Mutation(
        "dev/roles.sql",
        "REVOKE ALL ON SCHEMA",
        "ALTER ROLE service SUPERUSER;\nREVOKE ALL ON SCHEMA",
    ),
    "PS-043": Mutation("src/config/worker.py", "BODY_SECONDS = 30.0", "BODY_SECONDS = 1000.0"),
    "PS-044": Mutation(CI, "check-artifacts, doctor]", "check-artifacts]"),
    "PS-045": Mutation("dev/update.py", "(DELETED, REJECTED, CONFLICT)", "(DELETED, CONFLICT)"),
    "PS-046": Mutation(
        ".github/workflows/template.yml",
        "      - run: make update ARGS=--no-checks\n",
        "      - run: make update ARGS=--no-checks\n"
        "        env:\n          TOKEN: ${{ secrets.TEMPLATE_TOKEN }}\n",
    ),
    "PS-046 rights": Mutation(
        ".github/workflows/template.yml",
        "    timeout-minutes: 20\n",
        "    timeout-minutes: 20\n    permissions:\n      contents: write\n",
    ),
    "PS-046 code": Mutation(
        ".github/workflows/template.yml",
        'test -n "$TOKEN" && exit\n',
        'test -n "$TOKEN" && make check && exit\n',
    ),
}
DJANGO = {
    "PS-006": Mutation("src/config/base.py", "list(env.allowed_hosts or ())", '["*"]'),
    "PS-007": Mutation(
        "src/config/middleware.py",
        "BoundedSemaphore(load().max_concurrent_requests)",
        "BoundedSemaphore(1000)",
    ),
    "PS-015": Mutation("src/config/middleware.py", "answer.status_code >= 400", "False"),
    "PS-017": Mutation("src/config/serializers.py", "for name in unknown}", "for name in ()}"),
    "PS-018": Mutation("src/accounts/passwords.py", "19 * 1024, 1", "1024, 1"),
    "PS-022": Mutation(
        "src/config/serializers.py",
        "if _IS_GUARDED else nullcontext()",
        "if False else nullcontext()",
    ),
    "PS-025": Mutation("src/access/services.py", "        current=claims.token_id,\n", ""),
    "PS-026": Mutation("src/accounts/hashing.py", "if user is not None:", "if user is None:"),
    "PS-035": Mutation(
        "src/access/management/commands/createfirstsuperuser.py",
        "if code := fault_of(password, email=email):",
        "if code := None:",
    ),
}
FASTAPI = {
    "PS-006": Mutation(
        "src/main.py",
        "    app.add_middleware(middleware.HostMiddleware, allowed=settings.allowed_hosts or ())\n",
        "",
    ),
    "PS-007": Mutation("src/main.py", "limit=settings.max_concurrent_requests", "limit=1000"),
    "PS-015": Mutation("src/config/middleware.py", 'message["status"] < 400', "True"),
    "PS-017": Mutation("src/config/schemas.py", 'extra="forbid"', 'extra="ignore"'),
    "PS-018": Mutation(
        "src/accounts/services.py",
        "outdated = hashing.is_outdated(user.password)",
        "outdated = False",
    ),
    "PS-025": Mutation(
        "src/access/services.py", "            TokenFamily.current == claims.token_id,\n", ""
    ),
    "PS-026": Mutation(
        "src/accounts/services.py",
        "    user.password = await hashing.make(new_password)\n"
        "    await session.flush()\n"
        "    await access.revoke_families(session, user_id=user.id)\n",
        "    user.password = await hashing.make(new_password)\n",
    ),
    "PS-035": Mutation(
        "src/accounts/commands.py",
        "if code := fault_of(password, email=email):",
        "if code := None:",
    ),
}
MUTATIONS = {"django": BOTH | DJANGO, "fastapi": BOTH | FASTAPI}
EVERY = sorted({*MUTATIONS["django"], *MUTATIONS["fastapi"]})


def ledger(service: Path) -> list[dict[str, str]]:
    """Return the hardenings that a service knows of, in order."""
    text = (service / "dev" / "doctor" / "hardenings.toml").read_text()
    found: list[dict[str, str]] = tomllib.loads(text)["hardening"]
    return found


def examined(python: Path, doctor: Path, service: Path) -> dict[str, str]:
    """Return what the doctor of one service finds in another one, by the ids of what is amiss."""
    command = [str(python), str(doctor / "dev" / "doctor" / "examine.py"), str(service)]
    done = subprocess.run(command, cwd=service, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    assert [*found] == [each["id"] for each in ledger(doctor)]
    return {name: sentence for name, sentence in found.items() if sentence}


@pytest.fixture(scope="module")
def python(project: Project) -> Path:
    """Return the interpreter that has all packages of a service."""
    return project.development / ".venv" / "bin" / "python"


@pytest.fixture(scope="module")
def service(project: Project, python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a service to change, whose modules are compiled already."""
    target = tmp_path_factory.mktemp("doctor") / "service"
    ignored = shutil.ignore_patterns(".venv", ".data", ".*_cache", "__pycache__")
    shutil.copytree(project.development, target, ignore=ignored)
    command = [str(python), "-m", "compileall", "-q", "src", "dev"]
    subprocess.run(command, cwd=target, check=True)
    return target


def test_a_fresh_service_has_every_hardening(python: Path, service: Path) -> None:
    """No check is red, and the examination leaves no file behind."""
    before = [*files(service)]
    assert examined(python, service, service) == {}
    assert [*files(service)] == before


def test_the_ledger_is_that_of_the_changelog(project: Project, framework: str) -> None:
    """Ids in order and never twice, each with the release that has it as a hardening."""
    announced = {}
    text = (ROOT / "CHANGELOG.md").read_text()
    newest = max(release.versions(text))
    for chapter in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        for name in re.findall(r"^- \*\*(PS-\d{3})\*\*", chapter, re.MULTILINE):
            assert name not in announced
            announced[name] = chapter.split()[0]
    known = {
        each["id"]: each["since"] if Version(each["since"]) <= newest else "Unreleased"
        for each in ledger(project.service)
    }
    assert len(known) == len(ledger(project.service))
    assert [*known] == sorted(known)
    other = {"PS-022"} if framework == "fastapi" else set()  # of Django's serializers
    assert known == {name: since for name, since in announced.items() if name not in other}


def test_each_hardening_says_what_it_is_for(project: Project) -> None:
    """The fields that the page about hardenings is made of are there, and plain."""
    for each in ledger(project.service):
        # What a merge alone does not bring has the migration that does.
        migration = each.pop("migration", "every.py")
        assert (ROOT / "extensions" / "migrations" / migration).is_file(), each["id"]
        assert {*each} == {"id", "title", "severity", "since", "rationale", "check"}
        assert each["severity"] in {"high", "medium", "low"}
        assert all(each.values()), each["id"]


def test_each_workflow_of_the_template_is_examined(project: Project) -> None:
    """What a team has beside them is its own, so they are listed."""
    text = (project.service / "dev" / "doctor" / "files.py").read_text()
    [listed] = re.findall(r"^WORKFLOWS = \((.*)\)$", text, re.MULTILINE)
    ours = (ROOT / "template").glob("**/.github/workflows/*.yml*")
    names = {path.name.removesuffix(".jinja") for path in ours}
    assert names == set(re.findall(r"[\w.]+", listed))


def test_no_hardening_is_without_a_mutation(project: Project, framework: str) -> None:
    """A check that nothing can turn red says nothing."""
    turned = {name.split()[0] for name in MUTATIONS[framework]}
    assert sorted(turned) == [each["id"] for each in ledger(project.service)]


@pytest.mark.full
@pytest.mark.parametrize("name", EVERY)
def test_a_control_that_is_off_is_missed(
    python: Path, service: Path, framework: str, name: str
) -> None:
    """By its own check, and by no other."""
    if name not in MUTATIONS[framework]:
        pytest.skip(f"{framework} has no {name}")
    mutation = MUTATIONS[framework][name]
    if framework == "fastapi" and mutation == BOTH.get(name) and mutation.file[:4] != "src/":
        pytest.skip("it has the same file as Django")
    path = service / mutation.file
    text = path.read_text()
    assert text.count(mutation.old) == 1, mutation
    path.write_text(text.replace(mutation.old, mutation.new))
    try:
        found = examined(python, service, service)
    finally:
        path.write_text(text)
    assert [*found] == [name.split()[0]], found


@pytest.mark.full
def test_what_a_team_adds_turns_no_check_red(python: Path, project: Project) -> None:
    """A domain with settings, routes, throttles and roles of its own is no drift."""
    assert examined(python, project.service, project.contract) == {}


USERS = {
    "django": {
        "from django.db import models\n": "from django.contrib.postgres import fields, indexes\n",
        "    objects: ClassVar": (
            "    tags = fields.ArrayField(models.CharField(max_length=9), default=list)\n"
            "    notes = models.JSONField(default=dict)\n"
            "    badge = models.CharField(max_length=9)\n"
        ),
        "        constraints: ClassVar": (
            '        indexes = (indexes.GinIndex(fields=["tags"], name="tags"),)\n'
        ),
    },
    "fastapi": {
        "from sqlalchemy import ": (
            "from sqlalchemy import Index, func\n"
            "from sqlalchemy.dialects.postgresql import ARRAY, ExcludeConstraint, JSONB\n"
        ),
        "\n    id: Mapped[Id]\n": (
            "    __table_args__ += (\n"
            '        Index("words", func.to_tsvector("simple", "badge"), postgresql_using="gin"),\n'
            '        ExcludeConstraint(("badge", "=")),\n'
            "    )\n"
            "    tags: Mapped[list[str]] = mapped_column(ARRAY(String(9)), default=list)\n"
            "    notes: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)\n"
            "    badge: Mapped[str] = mapped_column(String(9))\n"
        ),
    },
}


def test_users_may_have_what_only_postgresql_has(
    python: Path, service: Path, framework: str
) -> None:
    """Columns, indexes and constraints: the user model is the team's."""
    path = service / "src" / "accounts" / "models.py"
    text = edited = path.read_text()
    for before, more in USERS[framework].items():
        assert text.count(before) == 1, before
        edited = edited.replace(before, more + before)
    path.write_text(edited)
    try:
        assert examined(python, service, service) == {}
    finally:
        path.write_text(text)
