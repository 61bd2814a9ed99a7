"""What anybody may know: fixed lists, to which no setting is added by accident."""

from collections.abc import Iterator

import pytest

from config import documents, environment, identity
from tests.support import PRODUCTION, Client


def leaves(value: object) -> Iterator[object]:
    """Yield every value that is not a mapping."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    else:
        yield value


def test_the_root_says_who_answers(client: Client) -> None:
    """Name, version and links, for whoever finds the address."""
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.json() == {
        "name": identity.NAME,
        "version": identity.VERSION,
        "links": {
            "live": "/live",
            "ready": "/ready",
            "health": "/health",
            "config": "/api/config",
            "schema": "/api/schema",
            "docs": "/api/docs",
        },
    }


def test_the_links_lead_somewhere(client: Client) -> None:
    """Every path that the document names is answered."""
    for path in client.get("/").json()["links"].values():
        assert client.get(path).status_code in {200, 503}


def test_no_link_leads_to_what_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Production tells of its documentation only where it has one."""
    settings = environment.load().model_copy(update={"api_docs_enabled": False})
    monkeypatch.setattr(documents, "load", lambda: settings)
    assert documents.service()["links"] == {
        name: f"/{name}" for name in ("live", "ready", "health")
    } | {"config": "/api/config"}
    assert documents.client_settings()["features"] == {"api_docs": False}


def test_the_settings_of_clients_are_a_fixed_list(client: Client) -> None:
    """What is added to this answer is added here too, on purpose; caches may keep it."""
    answer = client.get("/api/config")
    assert answer.status_code == 200
    assert "public" in answer.headers["Cache-Control"]
    assert answer.json() == {
        "name": identity.NAME,
        "version": identity.VERSION,
        "features": {"api_docs": True},
        "limits": {"body_bytes": 1024 * 1024, "page_size": 20, "page_size_max": 100},
    }


@pytest.mark.security
def test_a_new_setting_leaks_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The documents do not follow the model of the settings."""

    class Extended(environment.Environment):
        payment_key: str = "hunter2"

    for name, value in (PRODUCTION | {"API_DOCS_ENABLED": "true"}).items():
        monkeypatch.setenv(name, value)
    before = [documents.service(), documents.client_settings()]
    settings = Extended()
    monkeypatch.setattr(documents, "load", lambda: settings)
    assert [documents.service(), documents.client_settings()] == before
    told = {str(value) for document in before for value in leaves(document)}
    assert not told & {*PRODUCTION.values(), "hunter2"}
