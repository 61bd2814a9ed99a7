"""The first lines of a process: a banner without secrets, a refusal without values."""

import json

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from config import domains, identity, startup
from config.environment import ConfigurationError, load
from tests.support import MANAGE, PRODUCTION, SECRET, run

ERROR = ConfigurationError(["PORT: is wrong", "SECRET_KEY: is required"])


@pytest.mark.security
def test_the_banner_says_what_runs_and_masks_the_rest() -> None:
    """Hosts, names and switches are shown; passwords, users and keys are not."""
    settings = load().model_copy(
        update={
            "database_url": SecretStr(PRODUCTION["DATABASE_URL"]),
            "redis_url": SecretStr(PRODUCTION["REDIS_URL"]),
        }
    )
    with capture_logs() as events:
        startup.announce(settings, workers=3)
    banner = events[0]
    assert banner["event"] == "starting"
    assert banner["database"] == "127.0.0.1/orders"
    assert banner["redis"] == "127.0.0.1"
    assert banner["template_version"] == identity.TEMPLATE_VERSION
    assert banner["workers"] == 3
    assert banner["debug"] is False
    assert banner["domains"] == domains.names()
    assert "testserver" in banner["allowed_hosts"]
    assert not any(part in str(banner) for part in (SECRET[:20], SECRET[20:40], "app:"))


def test_a_refusal_is_one_json_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A log collector gets all problems in one event with the keys of every line."""
    monkeypatch.setenv("SERVICE_ROLE", "web")
    with pytest.raises(SystemExit, match="78"):
        startup.refuse(ERROR)
    said = json.loads(capsys.readouterr().err)
    assert said["problems"] == ERROR.problems
    assert (said["level"], said["role"], said["environment"]) == ("critical", "web", "test")
    assert said.keys() >= {"timestamp", "logger", "event", "service", "version", "pid"}


def test_a_person_reads_a_list(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In development the problems stand below each other, without colour."""
    monkeypatch.setenv("ENVIRONMENT", "development")
    with pytest.raises(SystemExit, match="78"):
        startup.refuse(ERROR)
    assert capsys.readouterr().err.splitlines() == [
        f"{identity.NAME}: the configuration is refused:",
        "  PORT: is wrong",
        "  SECRET_KEY: is required",
    ]


def test_a_command_with_bad_settings_ends_with_78() -> None:
    """`manage.py` by itself refuses as the entrypoint does, without a traceback."""
    done = run(*MANAGE, "check", environ={"ENVIRONMENT": "test"})
    assert done.returncode == 78
    assert "Traceback" not in done.stderr
    named = {problem.partition(":")[0] for problem in json.loads(done.stderr)["problems"]}
    assert named >= {"DATABASE_URL", "REDIS_URL"}
