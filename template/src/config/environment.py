"""The settings contract: everything this service reads from its environment.

One typed model, checked before anything else starts. It raises `ConfigurationError`
with every problem at once; `manage.py` and `entrypoint.py` turn that into exit code 78.
Values are never part of a message. docs/configuration.md is generated from this model.
"""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import quote

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from redis.connection import parse_url

from config import domains

DEVELOPMENT_SECRET = "insecure-secret-of-development"  # noqa: S105 - refused in production
DEVELOPMENT_JWT_KEY = "insecure-jwt-key-of-development"
SAMPLE_SECRET = re.compile(r"insecure|change.?me|example|sample|secret.?key", re.IGNORECASE)
LARGEST_FILE = 64 * 1024  # bytes
HOST_NAME = re.compile(r"\*|\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]", re.IGNORECASE)
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:.]+\](:\d{1,5})?")
SSL_MODES = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
WEAK_PASSWORDS = {"", "123456", "admin", "change-me", "changeme", "password", "postgres", "secret"}


class ConfigurationError(Exception):
    """The environment is incomplete or unsafe; `problems` names each fault without a value."""

    def __init__(self, problems: list[str]) -> None:
        """Keep the sentences of all problems, one a fault."""
        super().__init__("configuration refused: " + "; ".join(problems))
        self.problems = problems


class _Unreadable(str):
    """Stands for a value that could not be read; its text is the reason."""

    __slots__ = ()


class _VariableOrFile(PydanticBaseSettingsSource):
    """Reads `NAME`, or the content of the file that `NAME_FILE` points to."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = field_name.upper()
        value, path = os.environ.get(name), os.environ.get(f"{name}_FILE")
        if not path:
            return value, field_name, False
        if value:
            return _Unreadable(f"is set twice: keep {name} or {name}_FILE"), field_name, False
        with suppress(OSError, ValueError):
            # A pipe or device could keep us waiting or fill the memory.
            if Path(path).is_file() and Path(path).stat().st_size <= LARGEST_FILE:
                text = Path(path).read_text(encoding="utf-8-sig")
                return text.rstrip("\r\n"), field_name, False
        return _Unreadable(f"cannot be read from the file of {name}_FILE"), field_name, False

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields.items()
        values = {name: self.get_field_value(field, name)[0] for name, field in fields}
        # An empty variable counts as unset, save where "none" is an answer of its own.
        return {
            name: value
            for name, value in values.items()
            if value or (value == "" and name == "cors_allowed_origins")
        }


class Settings(BaseSettings):
    """Base of every group of settings; fields are the environment names in lower case.

    A domain declares its own group in `apps/<domain>/settings.py`; it is checked at boot
    together with `Environment`. `pairs` names variables that are set both or not at all.
    A `…_provider` left at "dummy" needs `ALLOW_DUMMY_PROVIDERS` in production.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", validate_default=True, use_attribute_docstrings=True
    )
    pairs: ClassVar[tuple[tuple[str, str], ...]] = ()

    @classmethod
    def settings_customise_sources(  # noqa: D102 - documented by pydantic-settings
        cls, settings_cls: type[BaseSettings], *_: Any, **sources: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return sources["init_settings"], _VariableOrFile(settings_cls)

    @field_validator("*", mode="before")
    @classmethod
    def _readable(cls, value: object) -> object:
        if isinstance(value, _Unreadable):
            raise ValueError(str(value))
        return value

    @model_validator(mode="after")
    def _complete_pairs(self) -> "Settings":
        for pair in self.pairs:
            missing = [name for name in pair if not getattr(self, name)]
            if len(missing) == 1:
                other = next(name for name in pair if name not in missing)
                raise ValueError(f"{missing[0].upper()}: is required beside {other.upper()}")
        return self


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


CommaSeparated = Annotated[tuple[str, ...], BeforeValidator(_split)]
Seconds = Annotated[float, Field(ge=0.1, le=3600)]


def _production(info: ValidationInfo) -> bool:
    # An unknown ENVIRONMENT counts as production, so that its message comes with all others.
    return bool(info.data.get("environment", "production") == "production")


def _no_debug(value: bool | None, info: ValidationInfo) -> bool | None:
    if value and _production(info):
        raise ValueError("must be off in production")
    return value


def _strong(value: SecretStr | None, info: ValidationInfo) -> SecretStr:
    secret = value.get_secret_value().strip() if value else ""
    if not _production(info):
        name = str(info.field_name)
        default = {"secret_key": DEVELOPMENT_SECRET, "jwt_signing_key": DEVELOPMENT_JWT_KEY}
        return SecretStr(secret or default[name])
    if not secret:
        raise ValueError("is required in production")
    if len(secret) < 50 or len(set(secret)) < 12:
        raise ValueError("is too weak: take 50 random characters or more")
    if SAMPLE_SECRET.search(secret):
        raise ValueError("is a sample value: take 50 random characters or more")
    other = info.data.get("secret_key") if info.field_name == "jwt_signing_key" else None
    if other and other.get_secret_value() == secret:
        raise ValueError("must differ from SECRET_KEY")
    return SecretStr(secret)


def _named_hosts(value: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...]:
    if any(not HOST_NAME.fullmatch(host) for host in value or ()):
        raise ValueError("takes host names without scheme, port or path, comma-separated")
    if not _production(info):
        return value or ("localhost", "127.0.0.1", "[::1]", "testserver")
    if not value:
        raise ValueError("is required in production")
    if any("*" in host for host in value):
        raise ValueError("must not contain * in production: name the hosts")
    return value


def _named_origins(value: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...]:
    if value is None and _production(info):
        raise ValueError("is required in production: name the origins, or leave it empty for none")
    for origin in value or ():
        if not ORIGIN.fullmatch(origin):
            raise ValueError("takes origins like https://app.example.com, comma-separated, no *")
        if origin.startswith("http:") and _production(info):
            raise ValueError("must use https in production")
    return value or ()


def _url_of_parts(data: dict[str, Any]) -> str:
    if not data.get("postgres_host"):
        return ""
    user = quote(data.get("postgres_user", ""), safe="")
    password = data.get("postgres_password", SecretStr("")).get_secret_value()
    host, port = data["postgres_host"], data.get("postgres_port", 5432)
    place = f"[{host}]" if ":" in host else quote(host, safe="")
    name = quote(data.get("postgres_db", ""), safe="")
    return f"postgresql://{user}:{quote(password, safe='')}@{place}:{port}/{name}"


def _libpq(url: str) -> dict[str, str] | None:
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
        ports = [int(port) for port in parts.get("port", "5432").split(",")]
        int(parts.get("connect_timeout", "5"))
    except (ProgrammingError, ValueError):
        return None
    sound = all(0 < port < 2**16 for port in ports)
    return parts if sound and parts.get("sslmode", "prefer") in SSL_MODES else None


def _postgresql(value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    url = value.get_secret_value() if value else _url_of_parts(info.data)
    environment = info.data.get("environment", "production")
    if not url:
        if environment == "build":
            return None
        raise ValueError("is required (or POSTGRES_HOST, _DB, _USER and _PASSWORD)")
    if not url.startswith(("postgresql://", "postgres://")):
        raise ValueError("must be a postgresql:// address: no other database is supported")
    parts = _libpq(url)
    if parts is None:
        raise ValueError("is not a PostgreSQL address that libpq understands")
    missing = [name for name in ("host", "dbname", "user") if not parts.get(name)]
    if missing:
        raise ValueError(f"lacks its {', '.join(missing)}")
    password = parts.get("password", "").strip().lower()
    if environment == "production" and password in {*WEAK_PASSWORDS, parts["user"]}:
        raise ValueError("has a blank or default password")
    if environment == "test" and "test" not in parts["dbname"].split("_"):
        raise ValueError("must name a test database (test_app, app_test) in the test profile")
    return SecretStr(url)


def _redis(value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    url = value.get_secret_value() if value else ""
    if not url:
        if info.data.get("environment") == "build":
            return None
        raise ValueError("is required")
    try:
        parts = parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError:
        parts = {}
    if not parts.get("host") and not parts.get("path"):
        raise ValueError("must be a redis://, rediss:// or unix:// address")
    return value


def _known_dependencies(value: tuple[str, ...]) -> tuple[str, ...]:
    if not set(value) <= {"database", "redis"}:
        raise ValueError("takes database and redis, comma-separated")
    return value


class Environment(Settings):
    """All variables of the service itself."""

    environment: Literal["development", "test", "build", "production"]
    """The profile: development, test, build or production."""
    debug: Annotated[bool | None, AfterValidator(_no_debug)] = None
    """Error pages with details; on in development only."""
    secret_key: Annotated[SecretStr | None, AfterValidator(_strong)] = None
    """Signs whatever is not a token; 50 characters or more."""
    jwt_signing_key: Annotated[SecretStr | None, AfterValidator(_strong)] = None
    """Signs access tokens; 50 characters or more, not SECRET_KEY."""
    access_token_lifetime: int = Field(300, ge=60, le=3600)
    """Seconds that an access token is good for."""
    api_docs_enabled: bool | None = None
    """/api/schema and /api/docs answer; on in all profiles but production."""
    allowed_hosts: Annotated[CommaSeparated | None, AfterValidator(_named_hosts)] = None
    """Host names that are answered, comma-separated; .example.com with sub-domains."""
    cors_allowed_origins: Annotated[CommaSeparated | None, AfterValidator(_named_origins)] = None
    """Origins of browser clients, comma-separated; empty for none."""
    postgres_host: str = ""
    """Part of the address, unless DATABASE_URL is set."""
    postgres_port: int = Field(5432, ge=1, le=65535)
    """As POSTGRES_HOST."""
    postgres_db: str = ""
    """As POSTGRES_HOST."""
    postgres_user: str = ""
    """As POSTGRES_HOST."""
    postgres_password: SecretStr = SecretStr("")
    """As POSTGRES_HOST."""
    database_url: Annotated[SecretStr | None, AfterValidator(_postgresql)] = None
    """postgresql://user:password@host:port/name, with libpq's query parameters."""
    database_pool_max: int = Field(10, ge=1, le=100)
    """Connections at most, a process."""
    database_statement_timeout: Seconds = 30
    """Seconds a statement may take."""
    database_pgbouncer: bool = False
    """The address is a PgBouncer in transaction mode."""
    redis_url: Annotated[SecretStr | None, AfterValidator(_redis)] = None
    """redis://, rediss:// or unix:// address of Redis or Valkey."""
    redis_timeout: Seconds = 5
    """Seconds an operation may take, retry included."""
    readiness_critical: Annotated[CommaSeparated, AfterValidator(_known_dependencies)] = (
        "database",
    )
    """Dependencies without which /ready is 503: database, redis."""
    port: int = Field(8000, ge=1, le=65535)
    """Port that the web role listens on."""
    bind_host: str = "0.0.0.0"  # noqa: S104 - a container's one port is meant for its network
    """Address it listens on; [::] for both stacks."""
    web_concurrency: int | None = Field(None, ge=1, le=256)
    """Web processes; else what CPU quota, memory and database allow."""
    replicas: int = Field(1, ge=1, le=1000)
    """Instances that share the database."""
    max_concurrent_requests: int = Field(64, ge=1, le=1000)
    """Requests in progress, a process; more are answered 503 at once."""
    max_requests: int = Field(1000, ge=0, le=10_000_000)
    """Requests, and up to a tenth more, until a process is replaced; 0: never."""
    request_timeout: int = Field(120, ge=1, le=3600)
    """Seconds until an async request, or a worker without heartbeat, is ended."""
    keep_alive: int = Field(5, ge=0, le=3600)
    """Seconds an idle connection is kept."""
    drain_seconds: Annotated[float, Field(ge=0, le=300)] = 5
    """Seconds between /ready turning 503 and the server's stop."""
    shutdown_timeout: int = Field(30, ge=1, le=3600)
    """Seconds that running requests get to finish."""
    boot_attempts: int = Field(10, ge=1, le=10)
    """Tries to reach PostgreSQL and Redis at boot, 0.5 to 30 seconds apart."""
    is_primary: bool = False
    """The web role migrates first; one instance only."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] | None = None
    """DEBUG in development, else INFO."""
    log_format: Literal["json", "console"] | None = None
    """console in development, else json."""
    allow_dummy_providers: bool = False
    """Providers named dummy may run in production."""
    service_role: str = "manage"
    """Set by the entrypoint, never by hand."""
    supervisor_fd: int | None = None
    """Set by the entrypoint, never by hand."""

    @field_validator("debug", "log_level", "log_format", "api_docs_enabled", mode="before")
    @classmethod
    def _profile_default(cls, value: object, info: ValidationInfo) -> object:
        development = info.data.get("environment") == "development"
        defaults = {
            "debug": development,
            "log_level": "DEBUG" if development else "INFO",
            "log_format": "console" if development else "json",
            "api_docs_enabled": not _production(info),
        }
        name = str(info.field_name)
        value = defaults[name] if value is None else value
        return value.upper() if name == "log_level" and isinstance(value, str) else value

    @property
    def database(self) -> str:
        """The PostgreSQL address; empty in the build profile, which has none."""
        return self.database_url.get_secret_value() if self.database_url else ""

    @property
    def redis(self) -> str:
        """The Redis address; empty in the build profile, which has none."""
        return self.redis_url.get_secret_value() if self.redis_url else ""


def _problems(error: ValidationError) -> list[str]:
    found = []
    for fault in error.errors(include_url=False, include_input=False):
        text = fault["msg"].removeprefix("Value error, ").replace("Field required", "is required")
        found.append(f"{str(fault['loc'][0]).upper()}: {text}" if fault["loc"] else text)
    return found


def _dummies(groups: Iterable[Settings]) -> list[str]:
    advice = "is a dummy: choose a real one or set ALLOW_DUMMY_PROVIDERS=true"
    return [
        f"{name.upper()}: {advice}"
        for group in groups
        for name, value in group
        if name.endswith("_provider") and value == "dummy"
    ]


@lru_cache(maxsize=1)
def load() -> Environment:
    """Read and check the environment once a process, with the groups of all domains.

    Raises:
        ConfigurationError: something is missing or unsafe; all problems at once.
    """
    list(domains.modules("settings"))
    accepted: dict[type[Settings], Settings] = {}
    problems: list[str] = []
    for group in Settings.__subclasses__():
        try:
            accepted[group] = group()
        except ValidationError as error:
            problems += _problems(error)
    environment = accepted.get(Environment)
    if isinstance(environment, Environment):
        consent = environment.allow_dummy_providers or environment.environment != "production"
    else:  # as far as can be told while other variables are wrong
        production = os.environ.get("ENVIRONMENT") in {None, "", "production"}
        consent = bool(os.environ.get("ALLOW_DUMMY_PROVIDERS")) or not production
    problems += [] if consent else _dummies(accepted.values())
    if problems or not isinstance(environment, Environment):
        raise ConfigurationError(problems)
    return environment
