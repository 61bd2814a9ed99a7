"""Each control of access, switched off, makes its own tests of the service fail and no others."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.harness.projects import Project

pytestmark = [pytest.mark.scheduled, pytest.mark.timeout(300)]


class Mutation(NamedTuple):
    """A text of a service's source, what replaces it, and the tests that must tell."""

    file: str
    old: str
    new: str
    tests: set[str]  # of both frameworks, or of the one below
    framework: str = ""


TOKENS, SERVICES, METRICS = "accounts/tokens.py", "access/services.py", "observability/metrics.py"
NETWORKS, HEADERS = "access/networks.py", "config/security_headers.py"
RULES = "test_a_rule_lets_pass_what_it_says_and_nothing_else"
FENCE = "test_admin_routes_are_for_the_networks_named"
STRANGERS = {
    "test_by_default_nobody_is_trusted",
    "test_the_last_who_is_no_proxy_is_the_client",
    "test_the_nearest_proxy_tells_the_scheme",
}
REUSED = {"test_a_reuse_is_noted_though_it_is_refused", "test_of_twenty_at_once_one_is_served"}
NOTED = {"test_that_a_token_came_twice_stays_noted"}
SCRAPED = {"test_metrics_are_for_whoever_has_the_token"}

MUTATIONS: dict[str, Mutation] = {
    "the service chooses the algorithm": Mutation(
        TOKENS,
        "algorithms=[ALGORITHM],",
        'algorithms=[header["alg"]],',
        {"test_another_algorithm"},
    ),
    "a refresh token is no access token": Mutation(
        TOKENS, 'if header.get("typ") != kind:', "if False:", {"test_a_wrong_header"}
    ),
    "a refresh token works once, Django": Mutation(
        SERVICES, "        current=claims.token_id,\n", "", NOTED, "django"
    ),
    "a refresh token works once, FastAPI": Mutation(
        SERVICES,
        "            TokenFamily.current == claims.token_id,\n",
        "",
        REUSED,
        "fastapi",
    ),
    "a reuse ends the login, Django": Mutation(
        SERVICES,
        "    if not renewed:\n        _revoke(pk=claims.family_id)\n",
        "    if not renewed:\n",
        NOTED,
        "django",
    ),
    "a reuse ends the login, FastAPI": Mutation(
        SERVICES,
        "            await _revoke(own, TokenFamily.id == claims.family_id)\n",
        "            pass\n",
        REUSED,
        "fastapi",
    ),
    "a login that was ended is out, Django": Mutation(
        "access/selectors.py", " revoked_at=None,", "", {"test_what_ends_logins"}, "django"
    ),
    "a login that was ended is out, FastAPI": Mutation(
        "access/selectors.py",
        "        TokenFamily.revoked_at.is_(None),\n",
        "",
        {"test_a_reuse_is_noted_though_it_is_refused"},
        "fastapi",
    ),
    "superusers are out of reach": Mutation(
        "accounts/services.py",
        "if user.is_superuser and not actor.is_superuser:",
        "if False:",
        {"test_a_superuser_is_out_of_reach_of_admins"},
    ),
    "requests are throttled": Mutation(
        "access/throttles.py",
        "    if not verdict.wait:\n",
        "    if True:\n",
        {"test_a_refusal_says_when_to_come_back"},
    ),
    "strangers are no proxies": Mutation(
        NETWORKS,
        "    if not _is_in(found, trusted):\n        return",
        "    if False:\n        return",
        STRANGERS,
    ),
    "admin routes are fenced, Django": Mutation(
        NETWORKS,
        "    if networks and not",
        "    if False and not",
        {FENCE, "test_elsewhere_there_is_no_admin"},
        "django",
    ),
    "admin routes are fenced, FastAPI": Mutation(
        NETWORKS, "    if networks and not", "    if False and not", {FENCE}, "fastapi"
    ),
    "no frames": Mutation(
        HEADERS,
        '    "X-Frame-Options": "DENY",\n',
        "",
        {"test_data_loads_and_runs_nothing"},
    ),
    "browsers stay with https": Mutation(
        HEADERS,
        "if https and settings.environment",
        "if False and settings.environment",
        {"test_browsers_insist_on_https_where_it_is_spoken"},
    ),
    "metrics want a token": Mutation(
        METRICS, "    return same and", "    return True or same and", SCRAPED
    ),
    "metrics are closed in production": Mutation(
        METRICS, 'return load().environment != "production"', "return True", SCRAPED
    ),
    "short passwords": Mutation(
        "accounts/passwords.py",
        "    if len(password) < SHORTEST:",
        "    if False:",
        {"test_a_bad_password"},
    ),
    "owners, FastAPI": Mutation(
        "access/rules.py",
        'asks."""\n    return actor.id == owner_id',
        'asks."""\n    return True',
        {RULES},
        "fastapi",
    ),
}


def failing(service: Path) -> set[str]:
    """Run the tests that prove refusals; return the names of those that fail."""
    command = [".venv/bin/python", "-m", "pytest", "-q", "-m", "security", "-n", "2", "--tb=no"]
    done = subprocess.run(
        [*command, "-rfE"], cwd=service, check=False, capture_output=True, text=True
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return set(re.findall(r"^(?:FAILED|ERROR) [^:]+::(\w+)", done.stdout, re.MULTILINE))


@pytest.fixture(scope="module")
def service(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a service to change, with the packages of the rendered one."""
    target = tmp_path_factory.mktemp("mutations") / "service"
    ignored = shutil.ignore_patterns(".venv", ".data", ".*_cache", "__pycache__")
    shutil.copytree(project.development, target, ignore=ignored)
    (target / ".venv").symlink_to(project.development / ".venv")
    return target


def test_without_a_mutation_nothing_fails(service: Path) -> None:
    """So what fails below fails for the control that is off."""
    assert failing(service) == set()


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_control_that_is_off_is_noticed(name: str, service: Path, framework: str) -> None:
    """By the tests that are there for it."""
    mutation = MUTATIONS[name]
    if mutation.framework not in {"", framework}:
        pytest.skip(f"a control of {mutation.framework}")
    path = service / "src" / mutation.file
    text = path.read_text()
    assert text.count(mutation.old) == 1, mutation
    path.write_text(text.replace(mutation.old, mutation.new))
    try:
        assert failing(service) == mutation.tests
    finally:
        path.write_text(text)
