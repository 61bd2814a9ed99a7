"""The page of the OpenAPI document needs nobody but this service."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from config import docs_page, identity
from tests.support import Client


class Addresses(HTMLParser):
    """Collects every address that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in {"src", "href"}]


def addresses(page: str) -> list[str]:
    parser = Addresses()
    parser.feed(page)
    return [address for address in parser.found if address != "data:,"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with files of the names that Swagger UI has."""
    for name in docs_page.ASSETS:
        (tmp_path / name).write_text(f"/* {name} */")
    return tmp_path


def test_the_page_loads_what_there_is(folder: Path) -> None:
    """All three assets and nothing else; each name has the hash of its content in it."""
    loaded = {address.removeprefix("/api/docs/") for address in addresses(docs_page.page(folder))}
    assets = docs_page.assets(folder)
    assert loaded == assets.keys()
    assert len(assets) == 3
    assert all(re.fullmatch(r"[a-z-]+\.[0-9a-f]{12}\.(js|css)", name) for name in assets)


def test_a_changed_asset_has_a_new_name(folder: Path) -> None:
    """So that it may be kept for ever."""
    docs_page.assets.cache_clear()
    before = docs_page.assets(folder).keys()
    (folder / "swagger-ui.css").write_text("changed")
    docs_page.assets.cache_clear()
    after = docs_page.assets(folder).keys()
    docs_page.assets.cache_clear()
    assert len(before - after) == len(after - before) == 1


@pytest.mark.security
def test_a_title_is_only_text(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the service is called, its name runs nothing."""
    monkeypatch.setattr(identity, "TITLE", "<script>alert(1)</script>")
    assert "<script>alert" not in docs_page.page(folder)


def test_every_address_of_the_page_is_answered(client: Client) -> None:
    """The crawler's way: page, then whatever it loads, with types and for ever."""
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    found = addresses(page.content.decode())
    assert len(found) == 3
    for address in found:
        assert address.startswith("/api/docs/")
        asset = client.get(address)
        assert asset.status_code == 200
        assert asset.headers["Content-Type"].startswith(("text/javascript", "text/css"))
        assert "immutable" in asset.headers["Cache-Control"]
        assert asset.content
    assert client.get("/api/docs/swagger-ui.css").status_code == 404


def test_the_page_shows_a_document_that_is_there(client: Client) -> None:
    """The script asks for the schema where the service has it."""
    assert '"/api/schema"' in docs_page.SCRIPT
    answer = client.get("/api/schema")
    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.")
