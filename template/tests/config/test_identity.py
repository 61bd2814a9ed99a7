"""The service's one name, and the document at its root."""

import re

from config import identity
from tests.support import Client


def test_the_root_says_who_answers(client: Client) -> None:
    """Name, version and the probes, for whoever finds the address."""
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.json() == {
        "name": identity.NAME,
        "version": identity.VERSION,
        "links": {"live": "/live", "ready": "/ready", "health": "/health"},
    }


def test_the_links_lead_somewhere(client: Client) -> None:
    """Every path that the document names is answered."""
    for path in client.get("/").json()["links"].values():
        assert client.get(path).status_code in {200, 503}


def test_the_name_suits_keys_and_databases() -> None:
    """Lower-case letters, digits and hyphens; the version is that of pyproject.toml."""
    assert re.fullmatch(r"[a-z][a-z0-9-]*", identity.NAME)
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", identity.VERSION)
