"""Tags follow from the changelog, the same ones in every clone."""

import re
from pathlib import Path

import pytest

import release
from tests.support import ROOT, commit, git


def log(repository: Path, *headings: str) -> str:
    """Commit a changelog with these headings, newest first, and return the commit."""
    repository.mkdir(exist_ok=True)
    text = "# Changelog\n\n" + "".join(f"## {heading}\n\nText.\n\n" for heading in headings)
    (repository / "CHANGELOG.md").write_text(text)
    commit(repository)
    return git(repository, "rev-parse", "HEAD")


def test_a_version_is_the_commit_that_first_adds_its_heading(tmp_path: Path) -> None:
    """Later commits, edits of old entries included, do not move it."""
    first = log(tmp_path, "Unreleased", "0.1.0 (2026-01-01)")
    log(tmp_path, "Unreleased", "0.1.0 (2026-01-02)")
    second = log(tmp_path, "0.2.0rc1 (2026-02-01)", "0.1.0 (2026-01-02)")
    assert release.derived(tmp_path) == {"v0.1.0": first, "v0.2.0rc1": second}


def test_tags_are_made_once_and_never_moved(tmp_path: Path) -> None:
    """A second run changes nothing, and a tag at another commit is an error that names it."""
    first = log(tmp_path, "0.1.0 (2026-01-01)")
    assert release.tag(tmp_path) == ["v0.1.0"]
    second = log(tmp_path, "0.2.0 (2026-02-01)", "0.1.0 (2026-01-01)")
    assert release.tag(tmp_path) == ["v0.2.0"]
    assert release.tag(tmp_path) == []
    git(tmp_path, "tag", "--force", "v0.2.0", first)
    with pytest.raises(release.ReleaseError, match=f"v0.2.0 is at {first[:12]}.*{second[:12]}"):
        release.tag(tmp_path)


def test_a_tag_without_a_heading_is_an_error(tmp_path: Path) -> None:
    """Nobody releases by typing `git tag`."""
    log(tmp_path, "0.1.0 (2026-01-01)")
    git(tmp_path, "tag", "v0.3.0")
    with pytest.raises(release.ReleaseError, match=r"v0\.3\.0 is at .* has no heading"):
        release.tag(tmp_path)


@pytest.mark.parametrize(
    ("headings", "message"),
    [
        (["next (2026-01-01)"], "no PEP 440 version"),
        (["1.0.0-rc1 (2026-01-01)"], "as '1.0.0rc1'"),
        (["0.1.0 (2026-01-01)", "0.2.0 (2026-02-01)"], "newest version first"),
    ],
)
def test_a_heading_that_is_no_version_is_refused(
    tmp_path: Path, headings: list[str], message: str
) -> None:
    """Copier compares versions by PEP 440 and ranks anything else wrongly, without a word."""
    log(tmp_path, *headings)
    with pytest.raises(release.ReleaseError, match=re.escape(message)):
        release.tag(tmp_path)


def test_the_command_says_what_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person who types `nox -s tags` sees names or one sentence."""
    log(tmp_path, "0.1.0 (2026-01-01)")
    monkeypatch.chdir(tmp_path)
    assert release.main() == 0
    assert capsys.readouterr().out == "v0.1.0\n"
    assert release.main() == 0
    assert capsys.readouterr().out == "Every release has its tag.\n"
    git(tmp_path, "tag", "v9.9.9")
    assert release.main() == 1
    assert "v9.9.9" in capsys.readouterr().err


def test_this_changelog_has_a_release_with_its_three_sections() -> None:
    """Every release says what is new, what is safer and what its reader must do."""
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert release.versions(changelog)
    for entry in re.split(r"^## (?=\d)", changelog, flags=re.MULTILINE)[1:]:
        sections = re.findall(r"^### (.+)$", entry, flags=re.MULTILINE)
        assert set(sections) >= {"Added", "Hardening", "Upgrade notes"}, entry.splitlines()[0]
        for section in re.split(r"^### Hardening$", entry, flags=re.MULTILINE)[1:]:
            assert re.findall(r"^- \*\*PS-\d{3}\*\* ", section, flags=re.MULTILINE)


def test_each_hardening_has_an_id_of_its_own() -> None:
    """An ID is never used again, so a report can name it for years."""
    ids = re.findall(r"^- \*\*(PS-\d{3})\*\* ", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert len(ids) == len(set(ids))
