"""What an update leaves alone; tests/update/ takes services of each release through one."""

from pathlib import Path
from typing import Any

import copier
import pytest
import yaml

from tests.support import commit, git

NEWER = "v2.0.0"


@pytest.fixture
def born(own_template: Path, tmp_path: Path) -> Path:
    """Return a committed service of an older year and, in `own_template`, room for a release."""
    service = tmp_path / "service"
    copier.run_copy(
        str(own_template), service, data={"project_name": "Demo", "copyright_year": 2020},
        defaults=True, unsafe=True, quiet=True,
    )  # fmt: skip
    commit(service)
    return service


def released(template: Path, *edits: tuple[str, str, str]) -> None:
    """Release a newer template, in which each edit is a path, a text and what stands for it now."""
    for path, old, new in edits:
        text = (template / path).read_text()
        assert old in text
        (template / path).write_text(text.replace(old, new))
    commit(template, tag=NEWER)


def update(service: Path, **options: Any) -> None:
    """Update a service as `copier update --defaults --trust` does."""
    copier.run_update(service, defaults=True, unsafe=True, overwrite=True, quiet=True, **options)


def answers(service: Path) -> dict[str, Any]:
    """Return the recorded answers."""
    loaded: dict[str, Any] = yaml.safe_load((service / ".copier-answers.yml").read_text())
    return loaded


def test_the_year_of_the_licence_is_that_of_the_birth(own_template: Path, born: Path) -> None:
    """A licence that a later release words anew still names the year of the service."""
    licence = "template/{{mit}}/LICENSE.jinja"
    released(own_template, (licence, "MIT License", "The MIT License"))
    update(born)
    text = (born / "LICENSE").read_text()
    assert "The MIT License" in text
    assert "2020" in text
    assert answers(born)["copyright_year"] == 2020


def test_a_default_that_changes_does_not_change_a_service(own_template: Path, born: Path) -> None:
    """Answers that nobody was asked for are recorded at birth like the others."""
    released(own_template, ("copier.yml", "default: 85", "default: 50"))
    update(born)
    assert answers(born)["_commit"] == NEWER
    assert answers(born)["coverage_min"] == 85


def test_a_hidden_answer_can_be_given_and_stays(own_template: Path, born: Path) -> None:
    """`--data` reaches a question behind `customise`, and the next update keeps the answer."""
    update(born, data={"coverage_min": 70})
    commit(born)
    released(own_template)
    update(born)
    assert answers(born)["coverage_min"] == 70
    assert "fail_under = 70" in (born / "pyproject.toml").read_text()
    assert "pyproject.toml" not in git(born, "status", "--short")


def test_an_update_of_a_dirty_tree_is_refused_and_changes_nothing(
    own_template: Path, born: Path
) -> None:
    """One sentence, and the edits that are not committed stay as they were."""
    released(own_template, ("template/Makefile", "help:", "helpme:"))
    (born / "README.md").write_text("mine\n")
    with pytest.raises(copier.errors.UserMessageError, match="dirty"):
        update(born)
    assert git(born, "status", "--short") == "M README.md"
    assert (born / "README.md").read_text() == "mine\n"
