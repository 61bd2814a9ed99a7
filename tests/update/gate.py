"""The gate that a release has to pass: what an update of an older service must come to.

Each case renders a release, does as a team does, updates, and compares with what a fresh render of
the newest release and the same edits give: byte for byte.
"""

import difflib
import filecmp
import itertools
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import copier
import yaml

import release
from fleet import AS_BEFORE
from tests.support import ROOT, commit, files, git, stored, working_tree

NEWEST = "v9999"
_HEAD = git(ROOT, "rev-parse", "HEAD").strip()
# The commit of each release that this working tree is not itself, oldest first.
RELEASES = {name: at for name, at in release.derived(ROOT, "HEAD").items() if at != _HEAD}
GOLDEN = Path(__file__).parent / "golden"
ANSWERS = ".copier-answers.yml"
MARKERS = ("<<<<<<< before updating", ">>>>>>> after updating")
# A service that takes the example later makes this migration itself, and who had it once keeps it.
THE_TEAMS_FROM_BIRTH = "migrations/versions/0002_articles.py"
Tree = dict[Path, bytes]
Answers = dict[str, Any]


def clone(target: Path) -> Path:
    """Clone this repository with the tags of all releases, and the working tree as `NEWEST`."""
    git(ROOT, "clone", "--quiet", str(ROOT), str(target))
    git(target, "checkout", "--quiet", "-B", "main")
    for name in git(target, "tag", "--list").split():
        git(target, "tag", "--delete", name)
    assert release.tag(target) == list(release.derived(ROOT, "HEAD"))
    git(target, "rm", "--quiet", "-r", ".")
    for path in working_tree():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target / path, follow_symlinks=False)
    commit(target, "newest", tag=NEWEST)
    return target


def questions(history: Path, at: str) -> dict[str, dict[str, Any]]:
    """Return the questions of a tag or commit whose answers are stored."""
    return stored(yaml.safe_load(git(history, "show", f"{at}:copier.yml")))


def choices(question: Mapping[str, Any]) -> list[Any]:
    """Return the values that a question takes, if they are few."""
    if question["type"] == "bool":
        return [True, False]
    return list(question.get("choices", {}).values())


def render(history: Path, tag: str, answers: Answers, target: Path) -> Path:
    """Render a release as `copier copy --defaults --trust` does."""
    copier.run_copy(
        str(history), target, data=answers, vcs_ref=tag, defaults=True, unsafe=True, quiet=True
    )
    return target


def update(service: Path, to: str = NEWEST, skip_answered: bool = False, **data: object) -> None:
    """Update a service as `copier update --defaults --trust` does."""
    copier.run_update(
        service, data=data, vcs_ref=to, skip_answered=skip_answered,
        defaults=True, unsafe=True, overwrite=True, quiet=True,
    )  # fmt: skip


def recorded(service: Path) -> Answers:
    """Return what Copier has recorded."""
    loaded: Answers = yaml.safe_load((service / ANSWERS).read_text())
    return loaded


def answers(service: Path) -> Answers:
    """Return the recorded answers to questions."""
    return {name: value for name, value in recorded(service).items() if name[0] != "_"}


def tree(folder: Path) -> Tree:
    """Return the bytes of each file but git's own."""
    return {path: (folder / path).read_bytes() for path in files(folder)}


def unmerged(service: Path) -> list[str]:
    """Return the files that git says to settle."""
    return git(service, "diff", "--name-only", "--diff-filter=U").splitlines()


def marked(service: Path) -> list[str]:
    """Return the files that hold a marker of a conflict, or are a rejected hunk."""
    return [
        str(path)
        for path, text in tree(service).items()
        if path.suffix == ".rej" or any(f"\n{mark}\n".encode() in b"\n" + text for mark in MARKERS)
    ]


def difference(one: Tree, other: Tree) -> str:
    """Say where two trees differ; "" where they do not."""
    told = []
    for path in sorted(one.keys() | other.keys()):
        before, after = (
            each.get(path, b"").decode(errors="replace").splitlines() for each in (one, other)
        )
        if one.get(path) != other.get(path):
            lines = list(
                difflib.unified_diff(before, after, str(path), str(path), lineterm="", n=1)
            )
            told += lines[:12] or [f"{path} is in one of them only"]
    return "\n".join(told)


# WHAT A TEAM DOES -------------------------------------------------------------------------------


def own_work(folder: Path) -> None:
    """Add a domain with an endpoint, a model, a migration and tests, and what else is a team's."""
    framework = recorded(folder)["framework"]
    kept = ["src/apps/orders/*", "tests/apps/orders/*", "local.mk", ".github/workflows/nightly.yml"]
    include = [f"--include={pattern}" for pattern in kept]
    git(folder, "apply", *include, str(GOLDEN / f"{framework}-v0.1.0.patch"))


def shared_edits(folder: Path) -> None:
    """Add a chapter and a dependency where both sides write, and delete what is not needed."""
    readme, project = folder / "README.md", folder / "pyproject.toml"
    readme.write_text(readme.read_text() + "\n## Our own chapter\n\nWritten by the team.\n")
    text = project.read_text().replace('    "structlog>', '    "httpx>=0.28,<1",\n    "structlog>')
    project.write_text(text)
    (folder / "CONTRIBUTING.md").unlink()


COMMENTED = (".py", ".toml", ".yml", ".yaml", ".md", ".mako", "Makefile", ".gitignore", ".example")


def changed(old: Path, new: Path) -> Iterator[Path]:
    """Yield the files that two renders have both, and not the same."""
    for path in files(old):
        text = path.name.endswith(COMMENTED) and path != Path(ANSWERS)
        if text and (new / path).is_file() and not filecmp.cmp(old / path, new / path, False):
            yield path


def hunks(old: Path, new: Path) -> list[tuple[int, int, int, int]]:
    """Return, for each change that git sees: where it begins and ends in the one and the other."""
    command = ["git", "diff", "--no-index", "--unified=0", "--no-color", str(old), str(new)]
    text = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    found = []
    for line in text.splitlines():
        if line.startswith("@@ "):
            ranges = [part[1:].split(",") for part in line.split()[1:3]]
            (a, m), (b, n) = ((int(r[0]), int(r[1]) if len(r) > 1 else 1) for r in ranges)
            # Git counts lines from one, and names the line before a hunk that has none.
            found.append((a - (m > 0), a - (m > 0) + m, b - (n > 0), b - (n > 0) + n))
    return found


def places(old: Path, new: Path, distance: int) -> Iterator[tuple[int, int]]:
    """Yield where a line can be put into both that is so far from each change, and no other way."""
    before, after = old.read_text().splitlines(), new.read_text().splitlines()

    def alone(lines: list[str], around: list[str]) -> bool:
        return sum(lines[i : i + 6] == around for i in range(len(lines))) == 1

    start, there = 0, 0
    for first, last, _, end in [*hunks(old, new), (len(before), len(before), 0, 0)]:
        for line in range(start + distance, first - distance + 1):
            around = before[line - 3 : line + 3]
            if alone(before, around) and alone(after, around):
                yield line, line - start + there
        start, there = last, end


def put(file: Path, line: int, text: str, *, instead: bool = False) -> None:
    """Put a line into a file before the one of this number, or in its place."""
    lines = file.read_text().splitlines(keepends=True)
    lines[line : line + instead] = [text + "\n"]
    file.write_text("".join(lines))


NEAR, FAR = 3, 12


def edits_beside(old: Path, new: Path, service: Path, expected: Path) -> dict[str, int]:
    """Put a line near a change, or far from each, into every file that the template changed."""
    made = {"near": 0, "far": 0}
    for path in changed(old, new):
        near = next(places(old / path, new / path, NEAR), None)
        far = next(places(old / path, new / path, FAR), None)
        kind = "far" if far and (made["far"] <= made["near"] or not near) else "near"
        if spot := far if kind == "far" else near:
            put(service / path, spot[0], f"# ours, {kind}")
            put(expected / path, spot[1], f"# ours, {kind}")
            made[kind] += 1
    return made


def edits_upon(old: Path, new: Path, service: Path, most: int = 5) -> list[str]:
    """Change lines that the template changes as well, in some files; return these."""
    made: list[str] = []
    for path in changed(old, new):
        upon = [first for first, last, _, _ in hunks(old / path, new / path) if last > first]
        if upon and len(made) < most:
            put(service / path, upon[0], "# ours, upon", instead=True)
            made.append(str(path))
    return made


# CASES ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A service of a release, with some answers, and what befalls it."""

    release: str
    answers: tuple[tuple[str, Any], ...]
    scenario: str

    def __str__(self) -> str:
        """Return a name for the test and the table."""
        given = "-".join(str(value) for _, value in self.answers)
        return f"{self.release}-{given}-{self.scenario}"


class Gate:
    """Takes cases through an update; renders are made once and only read."""

    def __init__(self, history: Path, folder: Path, newest: str = NEWEST) -> None:
        """Use the tags of `history`, and `folder` for all that is rendered."""
        self.history, self.folder, self.newest = history, folder, newest
        self._renders: dict[str, Path] = {}

    def rendered(self, tag: str, given: Answers) -> Path:
        """Return a render of a release. Only to be read."""
        key = f"{tag} {sorted(given.items())}"
        if key not in self._renders:
            target = self.folder / f"render-{len(self._renders)}"
            self._renders[key] = render(self.history, tag, given, target)
        return self._renders[key]

    def born(self, tag: str, given: Answers, target: Path) -> Path:
        """Return a committed service of a release."""
        shutil.copytree(self.rendered(tag, given), target)
        commit(target, "chore: start")
        return target

    def fresh(self, tag: str, given: Answers, **changed: object) -> Path:
        """Return a new service under the answers that an update has to come to. Only to be read."""
        asked, known = questions(self.history, self.newest), questions(self.history, tag)
        new = {name: value for name, value in AS_BEFORE.items() if name in asked.keys() - known}
        customised = {"customise": True} if new else {}
        return self.rendered(self.newest, given | new | customised | changed)

    def update(self, service: Path, **options: Any) -> None:
        """Update to the newest release."""
        update(service, self.newest, **options)

    def compare(self, service: Path, expected: Path, *, but: str = "") -> None:
        """Check that a service is what was expected, but for a file; nothing is to be settled."""
        assert unmerged(service) == []
        wanted, found = tree(expected), tree(service)
        for each in (wanted, found):
            each.pop(Path(but), None)
        assert difference(wanted, found) == ""


def untouched(gate: Gate, case: Case, folder: Path) -> None:
    """A service that nobody edited becomes what a new one is, and the next update does nothing."""
    given = dict(case.answers)
    service = gate.born(case.release, given, folder / "service")
    gate.update(service)
    gate.compare(service, gate.fresh(case.release, given))
    assert recorded(service)["_commit"] == gate.newest


def kept(gate: Gate, case: Case, folder: Path) -> None:
    """Own work is untouched, edits stay where they stood, and what was deleted stays deleted."""
    given = dict(case.answers)
    old, new = gate.rendered(case.release, given), gate.fresh(case.release, given)
    service = gate.born(case.release, given, folder / "service")
    expected = shutil.copytree(new, folder / "expected")
    made = edits_beside(old, new, service, expected)
    for side in (service, expected):
        own_work(side)
        shared_edits(side)
    # A release that changes little has no file with room for both.
    assert made["near"] + made["far"] > 0
    commit(service, "feat: the team's work")
    gate.update(service)
    gate.compare(service, expected)


def met(gate: Gate, case: Case, folder: Path) -> None:
    """Where both sides wrote, git names the file and both are in it; nothing is lost silently."""
    given = dict(case.answers)
    old, new = gate.rendered(case.release, given), gate.fresh(case.release, given)
    service = gate.born(case.release, given, folder / "service")
    upon = edits_upon(old, new, service)
    dropped = [path for path in files(old) if not (new / path).exists()]
    for path in dropped:
        (service / path).write_text((service / path).read_text() + f"# ours of {path}\n")
    later = [p for p in files(new) if not (old / p).exists() and p.name.endswith(COMMENTED)][:2]
    for path in later:
        (service / path).parent.mkdir(parents=True, exist_ok=True)
        (service / path).write_text("# ours, before theirs\n")
    commit(service, "feat: the team's work")
    gate.update(service)
    said = unmerged(service)
    for name in [*upon, *map(str, later)]:
        assert name in said, f"{name}: both sides wrote, and git does not say so"
        text = (service / name).read_text()
        mine = text.partition(MARKERS[0])[2].partition("=======")[0]
        assert "# ours, " in mine, f"{name}: the team's lines are not between the markers"
    there = b"".join(tree(service).values()).decode(errors="replace")
    for path in dropped:
        assert f"# ours of {path}\n" in there, f"{path} was renamed or dropped with the edits in it"
    assert set(marked(service)) == set(said), "git does not name what has to be settled"


def answered(gate: Gate, case: Case, folder: Path) -> None:
    """Every other answer can change in the same step, and the result is a new service's."""
    given = dict(case.answers)
    asked = questions(gate.history, gate.newest)
    fixed = {"framework", "customise"}
    current = answers(gate.fresh(case.release, given))
    other = {
        name: next(value for value in choices(question) if value != current[name])
        for name, question in asked.items()
        if name not in fixed and len(choices(question)) > 1
    }
    service = gate.born(case.release, given, folder / "service")
    gate.update(service, **other)
    expected = gate.fresh(case.release, given, **other)
    gate.compare(service, expected, but=THE_TEAMS_FROM_BIRTH)


SCENARIOS: dict[str, Callable[[Gate, Case, Path], None]] = {
    "untouched": untouched,
    "kept": kept,
    "met": met,
    "answered": answered,
}


def cases(asked: Mapping[str, Mapping[str, Any]]) -> list[Case]:
    """Return few cases that have each scenario of each release and framework, and more.

    Of any two choices, a release and a scenario counting as such, one case has both. `asked` has
    the questions of each release.
    """
    products = []
    for born_at, details in asked.items():
        few = {name: choices(q) for name, q in details.items() if name != "customise"}
        few = {name: found for name, found in few.items() if found}
        for given in itertools.product(*few.values()):
            named = (("project_name", "Demo"), *zip(few, given, strict=True))
            products += [Case(born_at, named, scenario) for scenario in SCENARIOS]
    covered = {case: _facts(case) for case in products}
    missing = set[Any]().union(*covered.values())
    chosen = []
    while missing:
        chosen.append(max(products, key=lambda case: len(missing & covered[case])))
        missing -= covered[chosen[-1]]
    return sorted(chosen, key=str)


def _facts(case: Case) -> frozenset[Any]:
    facts = [("release", case.release), ("scenario", case.scenario), *case.answers[1:]]
    whole = (case.release, case.scenario, dict(case.answers)["framework"])
    return frozenset([whole, *itertools.combinations(facts, 2)])
