"""What a person is asked, what is taken as an answer, and what is refused."""

import contextlib
import itertools
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Render
from tests.support import configuration, questions
from tests.variants import Answers

KEYS = ["type", "help", "choices", "placeholder", "default", "validator", "ask", "when"]

CHOICES = {name: list(q["choices"].values()) for name, q in questions().items() if "choices" in q}

REFUSED: Sequence[tuple[str, str | int, str]] = [
    ("project_name", "", "letters, digits, spaces"),
    ("project_name", "It's", "letters, digits, spaces"),
    ("project_name", 'Say "no"', "letters, digits, spaces"),
    ("project_name", "back\\slash", "letters, digits, spaces"),
    ("project_name", "{{ braces }}", "letters, digits, spaces"),
    ("project_name", "two\nlines", "letters, digits, spaces"),
    ("project_name", "bell\a", "letters, digits, spaces"),
    ("project_name", " space", "letters, digits, spaces"),
    ("project_name", "newline\n", "letters, digits, spaces"),
    ("project_name", "a" * 40, "at most 39"),
    ("project_name", "北京", "Latin letters"),
    ("project_name", "7", "Latin letters"),
    ("project_name", "ﬁ" * 20, "Latin letters"),
    ("framework", "flask", "'flask' is not in"),
    ("project_slug", "Demo", "lower-case"),
    ("project_slug", "demo_api", "lower-case"),
    ("project_slug", "-demo", "lower-case"),
    ("project_slug", "demo-", "lower-case"),
    ("project_slug", "a--b", "lower-case"),
    ("project_slug", "d", "2 to 39"),
    ("project_slug", "demo\n", "lower-case"),
    ("project_slug", "a" * 40, "2 to 39"),
    ("project_description", "", "one line"),
    ("project_description", "two\nlines", "one line"),
    ("project_description", 'a "quoted" word', "one line"),
    ("project_description", "it's", "one line"),
    ("project_description", "back\\slash", "one line"),
    ("project_description", "{% braces %}", "one line"),
    ("project_description", "<script>", "one line"),
    ("project_description", "a trailing blank ", "one line"),
    ("project_description", "two\u2028lines", "one line"),
    ("project_description", "a" * 121, "at most 120"),
    ("owner", "@demo", "GitHub handle"),
    ("owner", "two words", "GitHub handle"),
    ("owner", "a--b", "GitHub handle"),
    ("owner", "a" * 40, "GitHub handle"),
    ("security_contact", "nobody", "e-mail"),
    ("security_contact", "a@b", "e-mail"),
    ("security_contact", "a b@example.org", "e-mail"),
    ("licence", "GPL", "'GPL' is not in"),
    ("python_version", "3.10", "'3.10' is not in"),
    ("postgres_version", 14, "14 is not in"),
    ("coverage_min", -1, "0 to 100"),
    ("coverage_min", 101, "0 to 100"),
    ("coverage_min", "most", "invalid literal"),
    ("registry", "quay", "'quay' is not in"),
]


def copier(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Copier's command line with standard input closed."""
    return subprocess.run(
        [sys.executable, "-m", "copier", *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_only_the_project_name_has_no_default() -> None:
    """An update answers every question that a later release adds."""
    assert [name for name, q in questions().items() if "default" not in q] == ["project_name"]


def test_each_question_has_its_keys_in_the_same_order() -> None:
    """A reader of copier.yml finds each thing at the same place of each question."""
    for name, details in questions().items():
        assert list(details) == [key for key in KEYS if key in details], name


def test_each_question_that_is_asked_explains_itself() -> None:
    """A newcomer is told what each answer is for."""
    for name, details in questions().items():
        if details.get("ask", True) is not False:
            assert details["help"].endswith(("?", ".")), name


def test_names_that_generated_resources_will_need_stay_free() -> None:
    """A later release asks for these in a subproject of its own."""
    assert not {"resource", "fields", "r", "permission", "pagination"} & configuration().keys()


def test_defaults_render_with_standard_input_closed(template: Path, tmp_path: Path) -> None:
    """A script or a pipeline needs to give a name and nothing else."""
    done = copier(
        "copy", "--trust", "--defaults", "-d", "project_name=Demo", str(template), "out",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert (tmp_path / "out" / "pyproject.toml").exists()


@pytest.mark.parametrize(
    ("question", "answer"),
    [("framework", "flask"), ("project_slug", "No Slug")],
)
def test_the_command_line_names_the_question_of_a_refused_answer(
    template: Path, tmp_path: Path, question: str, answer: str
) -> None:
    """The last line says which answer was refused, and nothing is written."""
    done = copier(
        "copy", "--trust", "--defaults", "-d", "project_name=Demo", "-d", f"{question}={answer}",
        str(template), "out",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode != 0
    assert f"'{question}'" in done.stderr.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("question", "answer", "sentence"), REFUSED)
def test_an_illegal_answer_is_refused_in_one_sentence(
    render: Render, question: str, answer: str | int, sentence: str
) -> None:
    """The sentence says what is wrong and what would be right."""
    result = render({"project_name": "Demo", question: answer})
    message = str(result.exception)
    assert isinstance(result.exception, ValueError), message
    assert sentence in message
    assert "\n" not in message
    assert result.project_dir is None


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Demo", "demo"),
        ("Émile 2 Café", "emile-2-cafe"),
        ("7 Wonders_of.the-World", "wonders-of-the-world"),
        ("a - b", "a-b"),
        ("A1", "a1"),
        ("Łódź 2", "odz-2"),
        ("x" * 39, "x" * 39),
    ],
)
def test_a_legal_name_gives_legal_derived_answers(render: Render, name: str, slug: str) -> None:
    """Whoever types a name and presses Enter never meets a refused default."""
    result = render({"project_name": name})
    assert result.exception is None
    assert result.answers["project_slug"] == slug


def pairs(answers: tuple[Any, ...]) -> set[tuple[Any, ...]]:
    """Return each two answers, with the numbers of their questions."""
    return set(itertools.combinations(enumerate(answers), 2))


def covering(products: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return few of the products that together hold each two answers that any of them holds."""
    chosen, missing = [], set[tuple[Any, ...]]().union(*map(pairs, products))
    while missing:
        chosen.append(max(products, key=lambda answers: len(missing & pairs(answers))))
        missing -= pairs(chosen[-1])
    return chosen


PRODUCTS = list(itertools.product(*CHOICES.values()))


def assert_renders(render: Render, answers: tuple[Any, ...]) -> None:
    chosen: Answers = dict(zip(CHOICES, answers, strict=True))
    result = render({"project_name": "Demo", **chosen})
    assert result.exception is None
    assert result.answers.items() >= chosen.items()


@pytest.mark.parametrize("answers", covering(PRODUCTS), ids=str)
def test_each_two_choices_render_together(render: Render, answers: tuple[Any, ...]) -> None:
    """No two legal choices are illegal in this release."""
    assert_renders(render, answers)


@pytest.mark.scheduled
@pytest.mark.parametrize("answers", PRODUCTS, ids=str)
def test_the_full_product_of_choices_renders(render: Render, answers: tuple[Any, ...]) -> None:
    """Nor is any combination."""
    assert_renders(render, answers)


def test_a_newcomer_is_asked_at_most_seven_questions(template: Path, tmp_path: Path) -> None:
    """Enter is a good answer to each question but the first."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.environ["TERM"] = "xterm"
        arguments = ["-m", "copier", "copy", "--trust", str(template), "out"]
        os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - there is none
    shown = ""
    asked = 0
    # Linux ends the output of a terminal whose program is gone with an error.
    with contextlib.suppress(OSError):
        while chunk := os.read(terminal, 65536).decode(errors="replace"):
            shown += chunk
            if "\x1b[6n" in chunk:  # "where is the cursor?", which a real terminal answers
                os.write(terminal, b"\x1b[1;1R")
            if prompted(shown) > asked:
                asked += 1
                os.write(terminal, b"\r" if asked > 1 else b"Demo\r")
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, shown
    assert 1 < asked <= 7, shown
    recorded = yaml.safe_load((tmp_path / "out" / ".copier-answers.yml").read_text())
    assert recorded["project_name"] == "Demo"


def prompted(shown: str) -> int:
    """Count the questions on a screen that repeats a question each time it redraws."""
    helps = [details["help"] for details in questions().values() if "help" in details]
    return sum(text[:40] in shown for text in helps)
