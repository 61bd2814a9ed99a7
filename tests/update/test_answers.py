"""Answers stay good for years: questions are compared over all releases and the working tree."""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from runpy import run_path
from typing import Any
from unittest.mock import Mock

import pytest
import yaml
from packaging.version import Version

from fleet import AS_BEFORE
from tests.support import ROOT
from tests.support import questions as asked_now
from tests.update.gate import RELEASES, questions

NEXT = "the working tree"
# Questions whose validator changed and still takes every answer that it took.
REFUSES_NO_MORE = {"framework"}
MIGRATIONS = ROOT / "extensions" / "migrations"
Details = Mapping[str, Mapping[str, Any]]


class Steps:
    """What migrations do to answers."""

    def __init__(self, *migrations: Callable[[Any], object]) -> None:
        """Let them say it: each is called with an update that only notes its steps."""
        update = Mock()
        for migration in migrations:
            migration(update)
        self.answered: set[str] = set()
        self.renamed: dict[str, str] = {}
        self.mapped: dict[str, set[object]] = {}
        for step, given, named in update.method_calls:
            if step == "keep_as_before":
                self.answered |= named.keys()
            elif step == "rewrite_answer":
                self.renamed[given[0]] = named.get("name", given[0])
                self.mapped[given[0]] = set(named.get("values", {}))


def of_files(folder: Path) -> Steps:
    """Return the steps of all migrations below a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        return Steps(*(run_path(str(path))["migration"] for path in sorted(folder.glob("v*.py"))))


def values(question: Mapping[str, Any]) -> list[Any]:
    """Return the values of a question's choices."""
    choices = question.get("choices", [])
    return list(choices.values()) if isinstance(choices, dict) else list(choices)


def faults(old: Details, new: Details, steps: Steps) -> Iterator[str]:
    """Yield a sentence for each answer of an older service that would not be what it was."""
    for name, was in old.items():
        now = new.get(steps.renamed.get(name, name))
        if now is None:
            yield f"{name} is gone: no migration rewrites it, so its answer is forgotten."
        else:
            yield from changes_of(name, was, now, steps.mapped.get(name, set()))
    known = {*old, *steps.answered, *steps.renamed.values()}
    for name, now in new.items():
        if "default" not in now and name != "project_name":
            yield f"{name} has no default: an update with --defaults stops there."
        if name not in known:
            yield f"{name} is new: a migration has to answer it so that services stay as they are."
        if "when" in now:
            yield f"{name} has a `when`: unasked it is not recorded, and follows its default."


def changes_of(
    name: str, was: Mapping[str, Any], now: Mapping[str, Any], mapped: set[object]
) -> Iterator[str]:
    """Yield a sentence for each change of a question that loses answers."""
    if now["type"] != was["type"]:
        yield f"{name} has the type {now['type']} and had {was['type']}: give it a new name."
    for value in values(was):
        if value not in [*values(now), *mapped]:
            yield f"{name}: {value} is gone: services that answered so go back to the default."
    if values(now) and not values(was):
        yield f"{name} takes a few values now, and took any."
    if now.get("validator") != was.get("validator") and name not in REFUSES_NO_MORE:
        yield f"{name} has another validator: what it refuses now goes back to the default."
    if now.get("default") != was.get("default") and "when" in was:
        yield f"{name} has another default, and services need not have recorded the old one."


def of_releases() -> dict[str, Details]:
    """Return the questions of each release, and of the working tree."""
    asked: dict[str, Details] = {name: questions(ROOT, at) for name, at in RELEASES.items()}
    return asked | {NEXT: asked_now()}


def test_no_answer_of_any_release_is_lost() -> None:
    """From each release to the next, and so over any number of them."""
    asked = of_releases()
    told = [
        f"{older} to {newer}: {fault}"
        for older, newer in pairwise(asked)
        for fault in faults(asked[older], asked[newer], of_files(MIGRATIONS))
    ]
    assert told == []


def test_the_gate_expects_what_the_migrations_answer() -> None:
    """A new question's answer for older services is looked at twice."""
    asked = of_releases()
    new = asked[NEXT].keys() - next(iter(asked.values())).keys()
    assert new == AS_BEFORE.keys()


def test_each_migration_is_named_once_and_runs_in_both_stages() -> None:
    """A file that copier.yml does not name never runs; one of another version runs too late."""
    entries = yaml.safe_load((ROOT / "copier.yml").read_text())["_migrations"]
    named = {entry["version"]: entry for entry in entries if "version" in entry}
    files = {path.name for path in MIGRATIONS.glob("v*.py")}
    assert {f"{version.replace('.', '_')}.py" for version in named} == files
    assert list(named) == sorted(named, key=Version)
    for version, entry in named.items():
        assert entry["when"] is True
        assert entry["command"][1].endswith(f"/{version.replace('.', '_')}.py")
        assert entry["command"][2:] == ["{{ _stage }}", "{{ _copier_conf.answers_file }}"]


def changed(**changes: Mapping[str, Any] | None) -> Details:
    """Return the questions of the working tree with some changed, or without one that is None."""
    details = {name: dict(question) for name, question in of_releases()[NEXT].items()}
    for name, change in changes.items():
        if change is None:
            del details[name]
        else:
            details[name] = {**details.get(name, {}), **change}
    return details


COLOUR = {"type": "str", "default": "red", "choices": ["red", "blue"]}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"owner": None}, "owner is gone"),
        ({"owner": {"type": "int"}}, "owner has the type int and had str"),
        ({"registry": {"choices": ["ghcr", "none"]}}, "registry: dockerhub is gone"),
        ({"owner": {"choices": ["me"]}}, "owner takes a few values now"),
        ({"owner": {"validator": "{{ owner }}"}}, "owner has another validator"),
        ({"owner": {"when": "{{ customise }}"}}, "owner has a `when`"),
        ({"size": {"type": "str"}}, "size has no default"),
        ({"colour": COLOUR}, "colour is new"),
    ],
)
def test_each_change_that_would_lose_an_answer_is_named(
    changes: dict[str, Mapping[str, Any] | None], sentence: str
) -> None:
    """In one sentence that names the question."""
    steps = Steps(lambda update: update.keep_as_before(size="small"))
    told = list(faults(of_releases()[NEXT], changed(**changes), steps))
    assert len(told) == 1, told
    assert sentence in told[0]


def test_a_default_that_nobody_has_recorded_is_frozen() -> None:
    """A question with a `when` is not stored unless it is asked, so its default is an answer."""
    old = {"size": {"type": "str", "default": "small", "when": "{{ customise }}"}}
    new = {"size": {"type": "str", "default": "large"}}
    assert "another default" in next(faults(old, new, Steps()))


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"owner": {"default": "somebody"}}, lambda update: None),
        (
            {"licence": {"choices": [*values(of_releases()[NEXT]["licence"]), "ISC"]}},
            lambda update: None,
        ),
        (
            {"registry": {"choices": ["ghcr", "hub", "none"]}},
            lambda update: update.rewrite_answer("registry", values={"dockerhub": "hub"}),
        ),
        (
            {"copyright_year": None, "born": {"type": "int", "default": "1"}},
            lambda update: update.rewrite_answer("copyright_year", name="born"),
        ),
        ({"colour": COLOUR}, lambda update: update.keep_as_before(colour="blue")),
    ],
)
def test_a_change_that_loses_nothing_passes(
    changes: dict[str, Mapping[str, Any] | None], step: Callable[[Any], object]
) -> None:
    """Defaults of recorded answers, further choices, and what a migration takes care of."""
    assert list(faults(of_releases()[NEXT], changed(**changes), Steps(step))) == []
