"""Look whether the documents hold: `python dev/docs_check.py`.

A link leads to a page and to a heading of it, every page is reached from the README or the index,
what a page names is there (`make` targets, variables, files), and no target is kept from the
reader. The tables that say what the code says are looked at by dev/reference.py.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
MAKEFILES = ("Makefile", "dev/*.mk")
LARGEST = 1024 * 1024  # bytes; what is longer nobody wrote
STARTS = (Path("README.md"), Path("docs/README.md"))
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`((?:[^`\n]|\n(?!\n))+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: *(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
MAKE = re.compile(r"""(?:^|[;&|(])\s*(?:\$ )?(?:[A-Z_]+=(?:'[^']*'|"[^"]*"|\S)*\s+)*make(\s.*)?$""")
TARGET = re.compile(r"^([a-z][a-z-]*):.*## ", re.MULTILINE)
VARIABLE = re.compile(r"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+?)(?:_FILE)?(?:=.*)?")
FILE = re.compile(r"(?!\.)[\w.-]+(?:/[\w.-]+)+\.\w+")


class Page:
    """A document, taken apart."""

    def __init__(self, root: Path, path: Path) -> None:
        """Read the page at `path`, which is relative to `root`."""
        self.root, self.path = root, path
        text = (root / path).read_text()
        self.prose = BLOCK.sub("", text)
        self.spans = [" ".join(span.split()) for span in SPAN.findall(self.prose)]
        shells = [block for _, kind, block in BLOCK.findall(text) if kind in {"sh", "console"}]
        self.lines = [line.strip() for block in shells for line in block.splitlines()]

    @cached_property
    def links(self) -> list[tuple[Path, str]]:
        """The files that it points to, relative to `root`, and the anchors in them."""
        found = ["".join(link) for link in LINK.findall(SPAN.sub("", self.prose))]
        parts = [link.partition("#") for link in found if not re.match(r"[a-z]+:", link)]
        here = self.root / self.path
        return [
            (Path(os.path.relpath(here.parent / unquote(to) if to else here, self.root)), anchor)
            for to, _, anchor in parts
        ]

    @cached_property
    def anchors(self) -> set[str]:
        """The anchors of its headings, as GitHub makes them."""
        found: list[str] = []
        for heading in HEADING.findall(self.prose):
            text = re.sub(r"\]\([^)]*\)", "", heading).strip().lower()
            found.append(re.sub(r"[^\w\- ]", "", text).replace(" ", "-"))
        again = [f"{name}-{found[:n].count(name)}" for n, name in enumerate(found)]
        return {*found, *again}

    @property
    def targets(self) -> Iterator[str]:
        """The targets of each `make` that it names."""
        for line in (*self.spans, *self.lines):
            command = MAKE.search(re.sub(r"(^|\s)#.*", "", line))
            words = iter((command[1] or "").split() if command else ())
            for word in words:
                if word == "-C":
                    next(words, None)
                elif re.fullmatch(r"[a-z][a-z-]*", word):
                    yield word
                elif not word.startswith("-"):
                    break


def files(root: Path) -> Iterator[Path]:
    """Yield each file below `root`, relative to it, that git does not ignore.

    What is hidden is left out, but for GitHub's.
    """
    for path in listed(root):
        if all(part == ".github" or part[0] != "." for part in path.parts):
            yield path


def listed(root: Path) -> Iterator[Path]:
    """Yield what git would take of `root`; where it has no repository of its own, everything."""
    if (root / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        with suppress(OSError, subprocess.CalledProcessError):
            done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
            paths = map(Path, done.stdout.split("\0")[:-1])
            yield from (path for path in paths if (root / path).exists())
            return
    for folder, names, here in os.walk(root):
        names[:] = [name for name in names if name == ".github" or name[0] != "."]
        yield from (Path(folder, name).relative_to(root) for name in here)


def targets_of(service: Path, *patterns: str) -> list[str]:
    """Return the targets with a `##` in the makefiles that the patterns find."""
    makefiles = [path for pattern in patterns for path in sorted(service.glob(pattern))]
    return [target for path in makefiles for target in TARGET.findall(path.read_text())]


def dead_links(pages: dict[Path, Page]) -> Iterator[str]:
    """Yield what is wrong with each link that leads nowhere."""
    for path, page in pages.items():
        for target, anchor in page.links:
            if target.parts[:1] == ("..",) or not (page.root / target).exists():
                yield f"{path} links to {target}, which is not there"
            elif anchor and target in pages and anchor not in pages[target].anchors:
                yield f"{path} links to #{anchor} of {target}, which has no such heading"


def orphans(pages: dict[Path, Page]) -> Iterator[str]:
    """Yield each page to which no way leads; those of the root and GitHub's are seen anyhow."""
    reached: set[Path] = set()
    waiting = [path for path in STARTS if path in pages]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += [target for target, _ in pages[path].links if target in pages]
    for path in pages.keys() - reached:
        if len(path.parts) > 1 and path.parts[0] != ".github":
            yield f"{path} is reached from no page: link it from docs/README.md"


def unknown_names(pages: dict[Path, Page], service: Path) -> Iterator[str]:
    """Yield each target, variable and file that a page names and that is not there."""
    targets = set(targets_of(service, *MAKEFILES, "local.mk"))
    code = [service / path for path in files(service) if path.suffix not in {".md", ".lock"}]
    written = [path for path in code if path.is_file() and path.stat().st_size < LARGEST]
    texts = (path.read_text(errors="ignore") for path in written)
    words = {word for text in texts for word in re.findall(r"\w+", text.lower())}
    for path, page in pages.items():
        if path.name == "CHANGELOG.md":  # which tells of what was, too
            continue
        bases = [page.root, service, service / "src"]
        for target in sorted(set(page.targets) - targets):
            yield f"{path} names `make {target}`, which is no target with a `##`"
        for span in sorted(set(page.spans)):
            variable = VARIABLE.fullmatch(span)
            if variable and variable[1].lower() not in words:
                yield f"{path} names {variable[1]}, which nothing reads"
            places = [base / span for base in bases if (base / span.partition("/")[0]).is_dir()]
            if FILE.fullmatch(span) and places and not any(place.exists() for place in places):
                yield f"{path} names {span}, which is not there"


def untold_targets(pages: dict[Path, Page], service: Path) -> Iterator[str]:
    """Yield each target of the Makefile that no page names."""
    told = {target for page in pages.values() for target in page.targets}
    for target in targets_of(service, *MAKEFILES):
        if target not in told:
            yield f"The Makefile has `{target}`, which no document names"


def faults(root: Path, paths: Iterable[Path], service: Path) -> list[str]:
    """Return what is wrong with the pages at `paths` below `root`, which are about `service`."""
    pages = {path: Page(root, path) for path in sorted(paths)}
    found = [*dead_links(pages), *sorted(orphans(pages)), *unknown_names(pages, service)]
    return found + [*untold_targets(pages, service)] * (root == service)


def main() -> int:
    """Say what is wrong with the documents of this service."""
    found = faults(ROOT, [path for path in files(ROOT) if path.suffix == ".md"], ROOT)
    for fault in found:
        print(fault)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
