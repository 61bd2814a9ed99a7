"""The settings contract: what it takes, what it refuses, and that it keeps values to itself."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
from psycopg.conninfo import conninfo_to_dict

from config import environment
from config.environment import ConfigurationError, Environment, Settings
from tests.support import JWT_KEY, PRODUCTION, SECRET


class Payments(Settings):
    """A group as a domain declares it."""

    pairs: ClassVar = (("payment_key_id", "payment_key_secret"),)

    payment_provider: str = "dummy"
    payment_key_id: str = ""
    payment_key_secret: str = ""
    payment_fee: int = 50


Read = Callable[..., Environment]
COMPLETE = PRODUCTION | {"PAYMENT_PROVIDER": "bank"}
ADDRESSES = {name: PRODUCTION[name] for name in ("DATABASE_URL", "REDIS_URL")}
NAMES = [name.upper() for group in (Environment, Payments) for name in group.model_fields]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    """Return what reads the settings from exactly the given variables; None unsets one."""

    # Without the groups of this service's domains, which may need more.
    groups = SimpleNamespace(__subclasses__=lambda: [Environment, Payments])
    monkeypatch.setattr(environment, "Settings", groups)

    def read(variables: dict[str, str], **changes: str | None) -> Environment:
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(f"{name}_FILE", raising=False)
        for name, value in (variables | changes).items():
            if value is not None:
                monkeypatch.setenv(name, value)
        return environment.load.__wrapped__()

    return read


def refusal(read: Read, variables: dict[str, str], **changes: str | None) -> list[str]:
    """Return the problems of an environment that must be refused."""
    with pytest.raises(ConfigurationError) as refused:
        read(variables, **changes)
    return refused.value.problems


def test_a_complete_production_is_accepted(read: Read) -> None:
    """What the table of required variables asks for is enough."""
    settings = read(COMPLETE)
    assert settings.environment == "production"
    assert settings.allowed_hosts == ("api.example.com", ".example.org")
    assert settings.cors_allowed_origins == ("https://app.example.com",)
    assert settings.database == COMPLETE["DATABASE_URL"]
    assert settings.redis == COMPLETE["REDIS_URL"]


def test_everything_else_has_a_safe_default(read: Read) -> None:
    """With the required variables alone these values hold, the cautious ones."""
    expected = {
        "debug": False,
        "log_level": "INFO",
        "log_format": "json",
        "port": 8000,
        "bind_host": "0.0.0.0",  # noqa: S104
        "web_concurrency": None,
        "replicas": 1,
        "max_concurrent_requests": 64,
        "request_timeout": 120,
        "keep_alive": 5,
        "drain_seconds": 5,
        "shutdown_timeout": 30,
        "max_requests": 1000,
        "database_pool_max": 10,
        "database_statement_timeout": 30,
        "database_pgbouncer": False,
        "redis_timeout": 5,
        "boot_attempts": 10,
        "is_primary": False,
        "readiness_critical": ("database",),
        "allow_dummy_providers": False,
    }
    settings = read(COMPLETE)
    assert {name: getattr(settings, name) for name in expected} == expected


@pytest.mark.parametrize("name", PRODUCTION)
def test_each_required_variable_is_missed(read: Read, name: str) -> None:
    """Production without one of them says which."""
    problems = refusal(read, COMPLETE, **{name: None})
    assert [problem.partition(":")[0] for problem in problems] == [name]


def test_all_missing_variables_are_named_at_once(read: Read) -> None:
    """Nobody has to try again for each of them, not even with ENVIRONMENT misspelt."""
    required = list(PRODUCTION)
    for value in (None, "prodution"):
        problems = refusal(read, {"PAYMENT_PROVIDER": "bank"}, ENVIRONMENT=value)
        assert [problem.partition(":")[0] for problem in problems] == required


@pytest.mark.parametrize("name", ["ENVIRONMENT", "SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL"])
def test_an_empty_variable_counts_as_missing(read: Read, name: str) -> None:
    """A blank row of a copied .env.example is no value."""
    assert refusal(read, COMPLETE, **{name: ""})[0].startswith(f"{name}: ")


def test_no_origin_is_said_by_an_empty_variable(read: Read) -> None:
    """A service without browser clients names none, and still says so."""
    assert read(COMPLETE, CORS_ALLOWED_ORIGINS="").cors_allowed_origins == ()


UNSAFE = {
    "short secret": ("SECRET_KEY", SECRET[:49], "too weak"),
    "monotonous secret": ("SECRET_KEY", "abc" * 30, "too weak"),
    "sample secret": ("SECRET_KEY", f"change-me-{SECRET}", "is a sample value"),
    "development secret": ("SECRET_KEY", environment.DEVELOPMENT_SECRET, "too weak"),
    "short token key": ("JWT_SIGNING_KEY", JWT_KEY[:49], "too weak"),
    "sample token key": ("JWT_SIGNING_KEY", f"insecure-{JWT_KEY}", "is a sample value"),
    "one secret for both": ("JWT_SIGNING_KEY", SECRET, "must differ from SECRET_KEY"),
    "any host": ("ALLOWED_HOSTS", "*", "must not contain *"),
    "any host among others": ("ALLOWED_HOSTS", "api.example.com,*", "must not contain *"),
    "plain origin": ("CORS_ALLOWED_ORIGINS", "http://app.example.com", "must use https"),
    "debug": ("DEBUG", "true", "must be off"),
    "weak former secret": ("SECRET_KEY_FALLBACKS", f"{SECRET},{SECRET[:49]}", "too weak"),
    "sample former key": ("JWT_SIGNING_KEY_FALLBACKS", f"change-me-{SECRET}", "sample value"),
    "short token of metrics": ("METRICS_TOKEN", SECRET[:31], "32 random characters"),
    "blank password": (
        "DATABASE_URL",
        "postgresql://app@db/orders",
        "blank or default password",
    ),
    "default password": (
        "DATABASE_URL",
        "postgresql://app:Postgres@db/orders",  # pragma: allowlist secret
        "blank or default password",
    ),
    "user's name as password": (
        "DATABASE_URL",
        "postgresql://app:app@db/orders",  # pragma: allowlist secret
        "blank or default password",
    ),
}


@pytest.mark.security
@pytest.mark.parametrize("case", UNSAFE)
def test_production_refuses_what_development_may_have(read: Read, case: str) -> None:
    """One unsafe value is one problem with the variable's name and the broken rule."""
    name, value, rule = UNSAFE[case]
    problems = refusal(read, COMPLETE, **{name: value})
    assert len(problems) == 1
    assert problems[0].startswith(f"{name}: ")
    assert rule in problems[0]
    assert read(COMPLETE, ENVIRONMENT="development", **{name: value}).environment == "development"


WRONG = {
    "sqlite": ("DATABASE_URL", "sqlite:///db.sqlite3", "no other database is supported"),
    "mysql": ("DATABASE_URL", "mysql://app@db/orders", "no other database is supported"),
    "no host": ("DATABASE_URL", "postgresql:///orders", "lacks its host, user"),
    "no database name": ("DATABASE_URL", "postgresql://app@db", "lacks its dbname"),
    "unknown parameter": ("DATABASE_URL", "postgresql://app@db/orders?ssl=1", "libpq"),
    "wait in words": ("DATABASE_URL", "postgresql://app@db/orders?connect_timeout=x", "libpq"),
    "no redis": ("REDIS_URL", "http://cache", "must be a redis://"),
    "no redis host": ("REDIS_URL", "redis://", "must be a redis://"),
    "redis port in words": ("REDIS_URL", "redis://cache:port", "must be a redis://"),
    "any origin": ("CORS_ALLOWED_ORIGINS", "*", "takes origins like"),
    "origin with a path": ("CORS_ALLOWED_ORIGINS", "https://app.example.com/", "takes origins"),
    "origin of a file": ("CORS_ALLOWED_ORIGINS", "file://app", "takes origins like"),
    "negative port": ("PORT", "-1", "greater than or equal to 1"),
    "high port": ("PORT", "99999", "less than or equal to 65535"),
    "port in words": ("PORT", "http", "valid integer"),
    "no time": ("REQUEST_TIMEOUT", "0", "greater than or equal to 1"),
    "negative drain": ("DRAIN_SECONDS", "-1", "greater than or equal to 0"),
    "endless drain": ("DRAIN_SECONDS", "301", "less than or equal to 300"),
    "infinite statement": ("DATABASE_STATEMENT_TIMEOUT", "inf", "less than or equal to 3600"),
    "no statement": ("DATABASE_STATEMENT_TIMEOUT", "0", "greater than or equal to 0.1"),
    "no pool": ("DATABASE_POOL_MAX", "0", "greater than or equal to 1"),
    "no process": ("WEB_CONCURRENCY", "0", "greater than or equal to 1"),
    "no replica": ("REPLICAS", "0", "greater than or equal to 1"),
    "no request": ("MAX_CONCURRENT_REQUESTS", "0", "greater than or equal to 1"),
    "patience": ("BOOT_ATTEMPTS", "11", "less than or equal to 10"),
    "level": ("LOG_LEVEL", "loud", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    "format": ("LOG_FORMAT", "xml", "'json' or 'console'"),
    "dependency": ("READINESS_CRITICAL", "database,moon", "takes database and redis"),
    "switch": ("DATABASE_PGBOUNCER", "perhaps", "valid boolean"),
    "proxy by name": ("TRUSTED_PROXIES", "10.0.0.1,proxy", "takes addresses and networks"),
    "long mask": ("TRUSTED_PROXIES", "10.0.0.0/33", "takes addresses and networks"),
    "IPv4 in IPv6": ("ADMIN_NETWORKS", "::ffff:10.0.0.0/104", "takes IPv4 without"),
    "rate without unit": ("THROTTLE_USER", "1000", "takes rates like"),
    "no request at all": ("THROTTLE_ANONYMOUS", "0/hour", "takes rates like"),
    "two rates a unit": ("THROTTLE_BURST", "20/minute,5/minute", "one rate for each unit"),
    "only commas": ("THROTTLE_STRICT", ",", "takes rates like"),
    "brief refresh": ("REFRESH_TOKEN_LIFETIME", "299", "greater than or equal to 300"),
    "long refresh": ("REFRESH_TOKEN_LIFETIME", "2592001", "less than or equal to 2592000"),
    "negative HSTS": ("HSTS_SECONDS", "-1", "greater than or equal to 0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_no_profile_takes_a_wrong_value(read: Read, case: str) -> None:
    """What cannot mean anything is refused in development too."""
    name, value, rule = WRONG[case]
    problems = refusal(read, COMPLETE, ENVIRONMENT="development", **{name: value})
    assert len(problems) == 1
    assert problems[0].startswith(f"{name}: ")
    assert rule in problems[0]


@pytest.mark.security
def test_no_value_is_part_of_a_message(read: Read) -> None:
    """A refusal ends up in logs and tickets, so it holds names and rules alone."""
    given = dict.fromkeys(NAMES, "hunter2")
    with pytest.raises(ConfigurationError) as refused:
        read(given, DATABASE_URL="postgresql://hunter2@db", PAYMENT_PROVIDER="dummy")
    assert len(refused.value.problems) > 20
    assert "hunter2" not in str(refused.value)


def test_development_needs_no_secret(read: Read) -> None:
    """A laptop gets known keys, local hosts, details in errors and readable logs."""
    settings = read(ADDRESSES, ENVIRONMENT="development", PAYMENT_PROVIDER="dummy")
    assert settings.secret_key
    assert settings.secret_key.get_secret_value() == environment.DEVELOPMENT_SECRET
    assert settings.allowed_hosts == ("localhost", "127.0.0.1", "[::1]", "testserver")
    assert (settings.debug, settings.log_level, settings.log_format) == (True, "DEBUG", "console")


def test_development_still_needs_its_servers(read: Read) -> None:
    """There is no second dialect to fall back to."""
    problems = refusal(read, {"ENVIRONMENT": "development"})
    assert [problem.partition(":")[0] for problem in problems] == ["DATABASE_URL", "REDIS_URL"]


def test_build_needs_nothing(read: Read) -> None:
    """Linters, type checkers and image builds have no secret and no server."""
    settings = read({"ENVIRONMENT": "build"})
    assert (settings.database, settings.redis) == ("", "")
    assert settings.debug is False


@pytest.mark.security
@pytest.mark.parametrize("name", ["orders", "latest", "testing", "contest_orders"])
def test_the_test_profile_refuses_other_databases(read: Read, name: str) -> None:
    """Tests delete what they find, so the name has to say that it is theirs."""
    problems = refusal(
        read, ADDRESSES, ENVIRONMENT="test", DATABASE_URL=f"postgresql://app@db/{name}"
    )
    assert problems == [
        "DATABASE_URL: must name a test database (test_app, app_test) in the test profile"
    ]


@pytest.mark.parametrize("name", ["test", "test_orders", "orders_test", "test_orders_gw0"])
def test_the_test_profile_takes_test_databases(read: Read, name: str) -> None:
    """The marker is a word of the name, wherever it stands."""
    url = f"postgresql://app@db/{name}"
    assert read(ADDRESSES, ENVIRONMENT="test", DATABASE_URL=url).database == url


def test_a_level_may_be_written_small(read: Read) -> None:
    """`debug` means DEBUG."""
    assert read(COMPLETE, LOG_LEVEL="debug").log_level == "DEBUG"


PARTS = {
    "POSTGRES_HOST": "db",
    "POSTGRES_DB": "orders",
    "POSTGRES_USER": "app",
    "POSTGRES_PASSWORD": SECRET,
}


@pytest.mark.parametrize(
    "password", ["p@ss:w/rd#1%2F", "100% sure?&=", "ünï côdé+", "[::1]", "\\'\""]
)
def test_the_address_is_built_from_its_parts(read: Read, password: str) -> None:
    """Whatever the password holds, libpq reads the same one."""
    settings = read(COMPLETE, DATABASE_URL=None, **PARTS | {"POSTGRES_PASSWORD": password})
    assert conninfo_to_dict(settings.database) == {
        "host": "db",
        "port": "5432",
        "dbname": "orders",
        "user": "app",
        "password": password,
    }


def test_parts_take_an_ipv6_host_and_another_port(read: Read) -> None:
    """The host's colons are not the port's."""
    changes = {"POSTGRES_HOST": "fd00::7", "POSTGRES_PORT": "6432"}
    address = conninfo_to_dict(read(COMPLETE, DATABASE_URL=None, **PARTS | changes).database)
    assert (address["host"], address["port"]) == ("fd00::7", "6432")


def test_the_address_wins_over_its_parts(read: Read) -> None:
    """DATABASE_URL is the whole truth where it is set."""
    assert read(COMPLETE, **PARTS).database == COMPLETE["DATABASE_URL"]


def test_parts_without_a_name_are_refused(read: Read) -> None:
    """The same rules hold for an address in parts."""
    problems = refusal(read, COMPLETE, DATABASE_URL=None, **PARTS | {"POSTGRES_DB": ""})
    assert problems == ["DATABASE_URL: lacks its dbname"]


def test_libpq_parameters_are_kept(read: Read) -> None:
    """TLS is asked for in the address."""
    url = f"{COMPLETE['DATABASE_URL']}?sslmode=verify-full"
    assert conninfo_to_dict(read(COMPLETE, DATABASE_URL=url).database)["sslmode"] == "verify-full"


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "ENVIRONMENT"])
def test_each_variable_can_come_from_a_file(read: Read, tmp_path: Path, name: str) -> None:
    """Secret mounts end with a newline, which is not part of the value."""
    file = tmp_path / name
    file.write_text(f"{COMPLETE[name]}\n")
    settings = read(COMPLETE, **{name: None, f"{name}_FILE": str(file)})
    assert settings == read(COMPLETE)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_an_unreadable_file_is_refused(read: Read, tmp_path: Path, content: bytes | None) -> None:
    """It is named by its variable; neither path nor content is shown."""
    file = tmp_path / "mounted"
    if content is not None:
        file.write_bytes(content)
    problems = refusal(read, COMPLETE, SECRET_KEY=None, SECRET_KEY_FILE=str(file))
    assert problems == ["SECRET_KEY: cannot be read from the file of SECRET_KEY_FILE"]


def test_a_value_has_one_source(read: Read, tmp_path: Path) -> None:
    """With both the variable and its file nobody could say which one holds."""
    problems = refusal(read, COMPLETE, SECRET_KEY_FILE=str(tmp_path))
    assert problems == ["SECRET_KEY: is set twice: keep SECRET_KEY or SECRET_KEY_FILE"]


def test_a_group_has_its_own_defaults(read: Read) -> None:
    """A domain's settings are typed and optional like all others."""
    read(COMPLETE)
    assert Payments().payment_fee == 50
    read(COMPLETE, PAYMENT_FEE="75")
    assert Payments().payment_fee == 75


@pytest.mark.security
def test_a_dummy_needs_a_word_in_production(read: Read) -> None:
    """Payments that nobody makes are opted into, not forgotten."""
    problems = refusal(read, COMPLETE, PAYMENT_PROVIDER=None)
    assert problems == [
        "PAYMENT_PROVIDER: is a dummy: choose a real one or set ALLOW_DUMMY_PROVIDERS=true"
    ]
    read(COMPLETE, PAYMENT_PROVIDER="dummy", ALLOW_DUMMY_PROVIDERS="true")


@pytest.mark.parametrize("half", Payments.pairs[0])
def test_half_a_pair_is_refused(read: Read, half: str) -> None:
    """A key without its secret fails at boot, not at the first payment."""
    other = next(name for name in Payments.pairs[0] if name != half)
    problems = refusal(read, COMPLETE, **{half.upper(): "given"})
    assert problems == [f"{other.upper()}: is required beside {half.upper()}"]
    read(COMPLETE, **{name.upper(): "given" for name in Payments.pairs[0]})


def test_a_group_is_refused_together_with_the_rest(read: Read) -> None:
    """One start names the faults of all groups."""
    problems = refusal(read, COMPLETE, PORT="0", PAYMENT_FEE="much")
    assert [problem.partition(":")[0] for problem in problems] == ["PORT", "PAYMENT_FEE"]


def test_settings_cannot_be_changed(read: Read) -> None:
    """What was checked stays what holds."""
    with pytest.raises(ValueError, match="frozen"):
        read(COMPLETE).port = 9000  # type: ignore[misc]


def test_a_secret_does_not_show_itself(read: Read) -> None:
    """A settings object that is logged by mistake shows stars."""
    shown = repr(read(COMPLETE))
    assert SECRET not in shown
    assert SECRET[:20] not in shown
    assert SECRET[20:40] not in shown
