"""Headers that tell browsers what they may do with an answer."""

from collections.abc import Callable

import pytest

from config import security_headers
from config.environment import Environment, load

pytestmark = pytest.mark.security
Configure = Callable[..., None]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Return what changes settings for the test."""

    def change(**changes: object) -> None:
        changed: Environment = load().model_copy(update=changes)
        monkeypatch.setattr(security_headers, "load", lambda: changed)

    return change


@pytest.mark.parametrize("content_type", ["application/json", "application/problem+json", ""])
def test_data_loads_and_runs_nothing(content_type: str) -> None:
    """A browser that is made to show data finds nothing to do in it."""
    found = security_headers.of(content_type, https=False)
    assert found["Content-Security-Policy"].startswith("default-src 'none'; base-uri 'none'")
    assert found.keys() == {
        "Content-Security-Policy",
        "Cross-Origin-Opener-Policy",
        "Permissions-Policy",
        "Referrer-Policy",
        "X-Content-Type-Options",
        "X-Frame-Options",
    }


@pytest.mark.parametrize("content_type", ["text/html", "text/html; charset=utf-8", "Text/HTML"])
def test_a_page_has_files_of_this_service_alone(content_type: str) -> None:
    """No script within a page, none from elsewhere, no frame around it."""
    policy = security_headers.of(content_type, https=False)["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "*" not in policy


@pytest.mark.parametrize(
    ("changes", "https", "value"),
    [
        ({}, True, "max-age=31536000"),
        ({}, False, None),
        ({"hsts_seconds": 60}, True, "max-age=60"),
        ({"hsts_seconds": 0}, True, None),
        ({"hsts_include_subdomains": True}, True, "max-age=31536000; includeSubDomains"),
        (
            {"hsts_include_subdomains": True, "hsts_preload": True},
            True,
            "max-age=31536000; includeSubDomains; preload",
        ),
        ({"environment": "development"}, True, None),
        ({"environment": "test"}, True, None),
    ],
)
def test_browsers_insist_on_https_where_it_is_spoken(
    configure: Configure, changes: dict[str, object], https: bool, value: str | None
) -> None:
    """In production, over https; a browser ignores it elsewhere, and localhost would suffer."""
    configure(**{"environment": "production", **changes})
    assert security_headers.of("", https=https).get("Strict-Transport-Security") == value
