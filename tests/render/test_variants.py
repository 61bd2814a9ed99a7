"""The covering set covers."""

from tests.support import questions
from tests.variants import FRAMEWORKS, VARIANTS


def test_each_choice_of_each_question_is_rendered() -> None:
    """A choice that no variant takes would be shipped untried."""
    for question, details in questions().items():
        for choice in details.get("choices", {}).values():
            taken = [answers.get(question, details["default"]) for answers in VARIANTS.values()]
            assert choice in taken, f"{question}: {choice}"


def test_each_framework_is_rendered_with_every_default() -> None:
    """What most people get is among the variants."""
    for framework in FRAMEWORKS:
        assert {"project_name": "Demo", "framework": framework} in VARIANTS.values()


def test_the_frameworks_are_those_of_the_question() -> None:
    """A framework that copier.yml offers is not forgotten here."""
    assert sorted(FRAMEWORKS) == sorted(questions()["framework"]["choices"].values())
