"""What a service refuses to start with: exit code 78, every problem named, no value shown."""

import re
import shutil
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.contract.conftest import Start
from tests.harness.projects import Project
from tests.harness.roles import Role, complete_environment
from tests.harness.servers import Servers

REFUSED = 78
MANDATORY = [
    "SECRET_KEY",
    "JWT_SIGNING_KEY",
    "ALLOWED_HOSTS",
    "CORS_ALLOWED_ORIGINS",
    "DATABASE_URL",
    "REDIS_URL",
]
ROLES = {"web": ["web"], "migrate": ["migrate"], "manage": ["manage", "check"]}
ADDRESS = "postgresql://someone:Kq93-uzA@127.0.0.1:5432/orders"
LONG = "k7Jd-2mQz_9xVb4Rt6Wy8Pn1Lc3Hs5Gf0Ae-uTiOoXqZ7aBdEw"

# Variable, value, a word of the rule; in development each of these starts.
UNSAFE = [
    ("DEBUG", "true", "off"),
    ("SECRET_KEY", "short-49-" + "aB3" * 13 + "x", "weak"),
    ("SECRET_KEY", "x" * 60, "weak"),
    ("SECRET_KEY", "change-me-" + LONG, "sample"),
    ("JWT_SIGNING_KEY", "49-short-" + "aB3" * 13 + "x", "weak"),
    ("JWT_SIGNING_KEY", "insecure-" + LONG, "sample"),
    ("ALLOWED_HOSTS", "*", "*"),
    ("ALLOWED_HOSTS", "service.test,*", "*"),
    ("CORS_ALLOWED_ORIGINS", "http://app.test", "https"),
    ("CORS_ALLOWED_ORIGINS", "https://app.test,http://app.test", "https"),
    ("SECRET_KEY_FALLBACKS", f"{LONG},{LONG[:49]}", "weak"),
    ("SECRET_KEY_FALLBACKS", f"change-me-{LONG}", "sample"),
    ("JWT_SIGNING_KEY_FALLBACKS", "x" * 60, "weak"),
    ("JWT_SIGNING_KEY_FALLBACKS", f"insecure-{LONG}", "sample"),
    ("METRICS_TOKEN", LONG[:31], "32"),
]
# These are refused in production, and but for the passwords everywhere.
WRONG = [
    ("ALLOWED_HOSTS", "service.test,*.service.test", "host names"),
    ("CORS_ALLOWED_ORIGINS", "*", "origins"),
    ("CORS_ALLOWED_ORIGINS", "https://app.test/path", "origins"),
    ("DATABASE_URL", "mysql://someone:Kq93-uzA@127.0.0.1/orders", "postgresql://"),
    ("DATABASE_URL", "sqlite:///orders.sqlite3", "postgresql://"),
    ("DATABASE_URL", "postgresql://someone:Kq93-uzA@127.0.0.1:5432", "dbname"),
    ("DATABASE_URL", "postgresql://someone:Kq93-uzA@127.0.0.1:70x/orders", "libpq"),
    ("DATABASE_URL", "postgresql://someone:Kq93-uzA@127.0.0.1:70000/orders", "libpq"),
    ("DATABASE_URL", f"{ADDRESS}?sslmood=on", "libpq"),
    ("DATABASE_URL", "postgresql://app:@127.0.0.1/app", "password"),
    ("DATABASE_URL", "postgresql://app:app@127.0.0.1/app", "password"),
    ("DATABASE_URL", "postgresql://app:Postgres@127.0.0.1/app", "password"),
    ("REDIS_URL", "http://127.0.0.1:6379", "redis://"),
    ("REDIS_URL", "redis:///0", "redis://"),
    ("PORT", "99999", "65535"),
    ("PORT", "eighty", "integer"),
    ("REQUEST_TIMEOUT", "-1", "greater"),
    ("DRAIN_SECONDS", "-1", "greater"),
    ("SHUTDOWN_TIMEOUT", "0", "greater"),
    ("WEB_CONCURRENCY", "0", "greater"),
    ("LOG_LEVEL", "loud", "DEBUG"),
    ("LOG_FORMAT", "xml", "json"),
    ("READINESS_CRITICAL", "mainframe", "database"),
    ("BOOT_ATTEMPTS", "11", "10"),
    ("TRUSTED_PROXIES", "10.0.0.1,proxy.test", "networks"),
    ("TRUSTED_PROXIES", "10.0.0.0/33", "networks"),
    ("TRUSTED_PROXIES", "*", "networks"),
    ("TRUSTED_PROXIES", "::ffff:10.0.0.0/104", "IPv4"),
    ("ADMIN_NETWORKS", "office", "networks"),
    ("ADMIN_NETWORKS", "2001:db8::/129", "networks"),
    ("THROTTLE_ANONYMOUS", "0/hour", "20/minute"),
    ("THROTTLE_ANONYMOUS", "100", "20/minute"),
    ("THROTTLE_USER", "1000/week", "20/minute"),
    ("THROTTLE_USER", "-5/hour", "20/minute"),
    ("THROTTLE_BURST", "20/minute,5/minute", "unit"),
    ("THROTTLE_BURST", "20/minute;500/hour", "20/minute"),
    ("THROTTLE_STRICT", "five/minute", "20/minute"),
    ("THROTTLE_STRICT", ",", "20/minute"),
    ("REFRESH_TOKEN_LIFETIME", "299", "300"),
    ("REFRESH_TOKEN_LIFETIME", "2592001", "2592000"),
    ("HSTS_SECONDS", "-1", "greater"),
    ("HTTPS_REDIRECT", "perhaps", "boolean"),
]
Values = dict[str, tuple[str, str]]


def rounds(cases: list[tuple[str, str, str]]) -> list[Values]:
    """Put the first value of every variable together, then the second, and so on."""
    found: list[Values] = []
    for variable, value, rule in cases:
        free = next((each for each in found if variable not in each), None)
        if free is None:
            found.append(free := {})
        free[variable] = (value, rule)
    return found


def refusal(role: Role, code: int = REFUSED) -> list[str]:
    """Check how it ended and return the problems that it named."""
    assert role.wait(20) == code, role.text
    role.assert_is_structured()
    assert "Traceback" not in role.text
    [event] = [event for event in role.events if "problems" in event]
    problems: list[str] = event["problems"]
    assert event["level"] == "critical"
    return problems


def variables(problems: list[str]) -> set[str]:
    """Return the variables that the problems begin with."""
    return {problem.partition(":")[0] for problem in problems}


@pytest.mark.parametrize("role", ROLES)
def test_an_empty_production_names_everything_at_once(start: Start, role: str) -> None:
    """Who deploys learns in one go what is missing, in whichever role."""
    unset = dict.fromkeys([*MANDATORY, "ALLOW_DUMMY_PROVIDERS"])
    problems = refusal(start(*ROLES[role], **unset))
    assert variables(problems) == {*MANDATORY, "NOTIFICATION_PROVIDER"}


@pytest.mark.parametrize("variable", MANDATORY)
def test_each_missing_variable_is_named_alone(start: Start, variable: str) -> None:
    """The message is about what is wrong and nothing else."""
    problems = refusal(start("web", **{variable: None}))
    assert variables(problems) == {variable}
    assert "required" in problems[0]


def test_an_empty_variable_counts_as_missing(start: Start) -> None:
    """Compose files hand over empty strings for what nobody set."""
    problems = refusal(start("web", SECRET_KEY="", REDIS_URL=""))
    assert variables(problems) == {"SECRET_KEY", "REDIS_URL"}


def test_no_origin_at_all_is_an_answer(start: Start) -> None:
    """A service without browser clients says so with an empty list."""
    role = start("manage", "check", CORS_ALLOWED_ORIGINS="")
    assert role.wait() == 0, role.text


@pytest.mark.parametrize("environment_name", [None, "prodution", "PRODUCTION"])
def test_the_profile_is_never_guessed(start: Start, environment_name: str | None) -> None:
    """Unset or misspelt is refused, and what production lacks is named with it."""
    problems = refusal(start("web", ENVIRONMENT=environment_name, SECRET_KEY=None))
    assert variables(problems) == {"ENVIRONMENT", "SECRET_KEY"}
    assert "prodution" not in "".join(problems)


def assert_names(problems: list[str], values: Values, text: str) -> None:
    """Check that each variable is named with its rule, no other is, and no value is shown."""
    assert variables(problems) == set(values)
    for problem in problems:
        variable, _, sentence = problem.partition(": ")
        value, rule = values[variable]
        assert rule in sentence
        assert len(value) < 6 or value not in text
    assert "Kq93-uzA" not in text
    assert "sslmood" not in text


@pytest.mark.parametrize("values", rounds(UNSAFE), ids=range(len(rounds(UNSAFE))))
def test_unsafe_values_are_refused_in_production_alone(start: Start, values: Values) -> None:
    """Variable and rule are named, values are not; development takes all of them."""
    given = {variable: value for variable, (value, _) in values.items()}
    role = start("web", **given)
    assert_names(refusal(role), values, role.text)
    development = start("manage", "check", ENVIRONMENT="development", **given)
    assert development.wait() == 0, development.text


@pytest.mark.parametrize("values", rounds(WRONG), ids=range(len(rounds(WRONG))))
def test_wrong_values_are_refused_before_anything_is_tried(start: Start, values: Values) -> None:
    """What cannot work is told at once, and everything together."""
    role = start("web", **{variable: value for variable, (value, _) in values.items()})
    assert_names(refusal(role), values, role.text)
    assert not role.find("waiting")


@pytest.mark.parametrize(
    ("given", "refused", "rule"),
    [
        ({"ADMIN_PATH": "admin", "ADMIN_NETWORKS": "10.0.0.0/8"}, "ADMIN_PATH", "tries first"),
        ({"ADMIN_PATH": "a/../b", "ADMIN_NETWORKS": "10.0.0.0/8"}, "ADMIN_PATH", "letters"),
        ({"ADMIN_PATH": "staff"}, "ADMIN_NETWORKS", "beside ADMIN_PATH"),
    ],
    ids=["admin", "dots", "everywhere"],
)
def test_an_admin_that_is_easily_found_is_refused(
    start: Start, framework: str, given: dict[str, str], refused: str, rule: str
) -> None:
    """In production it has a path of its own and networks that may use it, or it is not there."""
    if framework != "django":
        pytest.skip("has no pages for admins")
    [problem] = refusal(start("web", **given))
    assert problem.startswith(f"{refused}: ")
    assert rule in problem
    assert "staff" not in problem
    fenced = {"ADMIN_PATH": "staff", "ADMIN_NETWORKS": "10.0.0.0/8"}
    assert start("manage", "check", **fenced).wait() == 0


def test_a_wrong_value_is_told_to_a_person_line_by_line(start: Start) -> None:
    """In development the same problems come as text, with the same exit code."""
    role = start("web", ENVIRONMENT="development", PORT="99999", DATABASE_URL="sqlite:///x")
    assert role.wait() == REFUSED
    assert re.search(r"^ +PORT: .*65535$", role.text, re.M)
    assert re.search(r"^ +DATABASE_URL: must be a postgresql://", role.text, re.M)


def test_equal_keys_are_refused(start: Start) -> None:
    """A leak of one must not be a leak of the other."""
    [problem] = refusal(start("web", SECRET_KEY=LONG, JWT_SIGNING_KEY=LONG))
    assert problem == "JWT_SIGNING_KEY: must differ from SECRET_KEY"


def test_the_database_of_make_run_is_refused_in_production(start: Start) -> None:
    """Data that matters does not belong into a project's folder; development may have it."""
    with Servers("embedded-development") as embedded:
        address = embedded.urls["DATABASE_URL"]
        role = start("web", DATABASE_URL=address)
        [problem] = refusal(role)
        assert problem.startswith("DATABASE_URL: is the embedded development server")
        assert address not in role.text
        migration = start("migrate", ENVIRONMENT="development", DATABASE_URL=address)
        assert migration.wait() == 0, migration.text


def test_a_database_of_another_encoding_is_refused(start: Start, servers: Servers) -> None:
    """Text would be lost in it."""
    address = f"{servers.urls['DATABASE_URL'].rpartition('/')[0]}/ascii"
    options = "ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    servers.sql(f"CREATE DATABASE ascii {options}")
    [problem] = refusal(start("web", DATABASE_URL=address))
    assert problem.startswith("DATABASE_URL: ")
    assert "SQL_ASCII" in problem


def test_more_connections_than_the_database_has_are_refused(start: Start) -> None:
    """Processes times pool is counted before the first request, not after the last connection."""
    [problem] = refusal(start("web", WEB_CONCURRENCY="20"))
    assert problem.startswith("WEB_CONCURRENCY: ")
    assert refusal(start("web", REPLICAS="20")) == [problem]


@pytest.mark.parametrize("variable", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "LOG_LEVEL"])
def test_every_value_can_come_from_a_file(
    start: Start, environment: dict[str, str], tmp_path: Path, variable: str
) -> None:
    """Mounted secrets end in a line feed, which does not count."""
    file = tmp_path / "value"
    file.write_text(environment.get(variable, "INFO") + "\n")
    role = start("manage", "check", **{variable: None, f"{variable}_FILE": str(file)})
    assert role.wait() == 0, role.text


def test_a_file_that_cannot_be_read_is_refused(start: Start, tmp_path: Path) -> None:
    """It is missing, a folder, or no text: the variable is named, and nothing of the file."""
    for place in (tmp_path / "nowhere", tmp_path):
        [problem] = refusal(start("web", SECRET_KEY=None, SECRET_KEY_FILE=str(place)))
        assert problem == "SECRET_KEY: cannot be read from the file of SECRET_KEY_FILE"


def test_a_file_beside_the_variable_is_refused(start: Start, tmp_path: Path) -> None:
    """Of two sources one is stale, and nobody knows which."""
    file = tmp_path / "value"
    file.write_text(LONG)
    role = start("web", SECRET_KEY_FILE=str(file))
    [problem] = refusal(role)
    assert problem.startswith("SECRET_KEY: is set twice")
    assert LONG not in role.text


@pytest.mark.parametrize("password", ["p@:/#%w?d&=+", "50%25 off %2F 'q\" \\", "üñí☃ :@/"])
def test_the_parts_of_the_address_take_any_password(
    start: Start, servers: Servers, password: str
) -> None:
    """It reaches PostgreSQL as it was typed: the login works, with the address or its parts."""
    literal = password.replace("'", "''")
    servers.sql("DROP ROLE IF EXISTS tricky")
    servers.sql(f"CREATE ROLE tricky SUPERUSER LOGIN PASSWORD '{literal}'")
    place = servers.urls["DATABASE_URL"].rpartition("@")[2]
    port = place.partition(":")[2].partition("/")[0]
    parts = {
        "POSTGRES_HOST": "127.0.0.1",
        "POSTGRES_PORT": port,
        "POSTGRES_DB": "app",
        "POSTGRES_USER": "tricky",
        "POSTGRES_PASSWORD": password,
    }
    role = start("migrate", DATABASE_URL=None, **parts)
    assert role.wait() == 0, role.text
    address = f"postgresql://tricky:{quote(password, safe='')}@{place}"
    assert start("migrate", DATABASE_URL=address).wait() == 0


def test_the_address_wins_over_its_parts(start: Start) -> None:
    """A platform that sets both means the address."""
    role = start("migrate", POSTGRES_HOST="nowhere.invalid", POSTGRES_DB="x", POSTGRES_USER="y")
    assert role.wait() == 0, role.text


def test_half_a_pair_is_refused(start: Start) -> None:
    """A key without its secret is a mistake in either direction, and in every profile."""
    for given, missing in (
        ("PAYMENT_KEY_ID", "PAYMENT_KEY_SECRET"),
        ("PAYMENT_KEY_SECRET", "PAYMENT_KEY_ID"),
    ):
        role = start("web", **{given: "Kq93-uzA"})
        assert refusal(role) == [f"{missing}: is required beside {given}"]
        assert "Kq93-uzA" not in role.text
    both = start("manage", "check", **{"PAYMENT_KEY_ID": "id", "PAYMENT_KEY_SECRET": "Kq93-uzA"})
    assert both.wait() == 0, both.text


def test_a_dummy_provider_needs_consent_in_production(start: Start) -> None:
    """Nobody notices in time that production sends nothing."""
    [problem] = refusal(start("web", ALLOW_DUMMY_PROVIDERS=None))
    assert problem.startswith("NOTIFICATION_PROVIDER: is a dummy")
    for change in ({"NOTIFICATION_PROVIDER": "mail"}, {"ENVIRONMENT": "development"}):
        role = start("manage", "check", **{"ALLOW_DUMMY_PROVIDERS": None, **change})
        assert role.wait() == 0, role.text


def test_a_domains_problems_come_with_all_others(start: Start) -> None:
    """The settings of a domain are part of the one answer."""
    problems = refusal(start("web", SECRET_KEY=None, OTP_LIFETIME="0", PORT="0"))
    assert variables(problems) == {"SECRET_KEY", "OTP_LIFETIME", "PORT"}


def test_a_planted_env_file_is_ignored(project: Project, tmp_path: Path) -> None:
    """Production takes its settings from the environment alone."""
    tree = shutil.copytree(project.contract, tmp_path / "service")
    planted = complete_environment(REDIS_URL="redis://127.0.0.1:1", LOG_LEVEL="planted-level")
    (tree / ".env").write_text("".join(f"{name}={text}\n" for name, text in planted.items()))
    (tree / "src" / ".env").write_text((tree / ".env").read_text())
    environ = {"ENVIRONMENT": "production", "ALLOW_DUMMY_PROVIDERS": "true"}
    with Role(project, "web", environ=environ, tree=tree) as role:
        assert variables(refusal(role)) == set(MANDATORY)
        assert "planted" not in role.text


def test_the_build_profile_needs_nothing_and_serves_nothing(project: Project) -> None:
    """An image build has no secrets, and what it builds is not a service yet."""
    with Role(project, "web", environ={"ENVIRONMENT": "build"}) as role:
        assert refusal(role) == ["ENVIRONMENT: the build profile serves nothing"]
    with Role(project, "manage", "--help", environ={"ENVIRONMENT": "build"}) as role:
        assert role.wait() == 0, role.text


def test_the_test_profile_refuses_other_databases(start: Start) -> None:
    """Tests delete what they find."""
    [problem] = refusal(start("manage", "check", ENVIRONMENT="test"))
    assert problem.startswith("DATABASE_URL: must name a test database")


def test_defaults_of_a_group_are_those_it_declares(start: Start) -> None:
    """What nobody sets has the value that is written down."""
    web = start("web").wait_until_it_serves()
    assert web.get("/fixture/settings").json() == {"otp_lifetime": 300, "fixed_fee": 50}
    assert web.stop() == 0
