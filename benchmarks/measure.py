"""Measure what the template costs and write benchmarks/results/: `nox -s benchmark`.

| figure | how |
|---|---|
| lines | lines of Python of a fresh service outside `tests/` and `dev/`: code and docstrings, \
without blank lines and comments |
| code lines | the same without docstrings, as cloc counts |
| baseline code lines | the same of a service without the example |
| dev lines | lines, as above, of `dev/`: what a developer's machine runs and production has not |
| files | files of a fresh service |
| copy | wall time of `copier copy` as a process, median |
| ms per file | (a render in this process - that of a one-file template) / (files - 1), medians |
| cpu ms per file | the same of processor time with git's, which a busy machine changes less |
| update | wall time of `copier update` as a process, of a service of the release before, median |
| updates per copy | that time / the one of a copy |
| cold start | `make run` in a fresh copy, packages installed, until `/ready` answers 200, median |
"""

import ast
import io
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import tokenize
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import copier

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support import OWN_ENVIRONMENT, commit, configuration, files, snapshot  # noqa: E402
from tests.update.gate import NEWEST, RELEASES, clone  # noqa: E402
from tests.variants import FRAMEWORKS  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
ROUNDS = 7
STARTS = 3


@dataclass(frozen=True)
class Cost:
    """Seconds of wall time, and of processor time with that of ended children."""

    wall: float
    cpu: float


def cost(call: Callable[[Path], object]) -> Cost:
    """Return what a call costs that gets a path which does not exist yet."""
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), sum(os.times()[:4])
        call(Path(folder) / "out")
        return Cost(time.perf_counter() - wall, sum(os.times()[:4]) - cpu)


def medians(*calls: Callable[[Path], object]) -> list[Cost]:
    """Return the median cost of each call; they take turns, so that noise meets all of them."""
    rounds = [[cost(call) for call in calls] for _ in range(ROUNDS)]
    return [
        Cost(statistics.median(c.wall for c in taken), statistics.median(c.cpu for c in taken))
        for taken in zip(*rounds, strict=True)
    ]


def render(template: Path, framework: str, target: Path, **answers: bool) -> None:
    """Render in this process."""
    data = {"project_name": "Demo", "framework": framework, **answers}
    copier.run_copy(str(template), target, data=data, defaults=True, unsafe=True, quiet=True)


def copy(template: Path, framework: str, target: Path) -> None:
    """Render as a person does."""
    data = ["--data", "project_name=Demo", "--data", f"framework={framework}"]
    command = [sys.executable, "-m", "copier", "copy", "--trust", "--defaults", "--quiet", *data]
    subprocess.run([*command, str(template), str(target)], check=True)


def update(history: Path, framework: str, folder: Path) -> float:
    """Return the seconds that a person waits for an update of a service, the median."""
    before = list(RELEASES)[-1]
    start = folder / f"{framework}-{before}"
    data = {"project_name": "Demo", "framework": framework}
    copier.run_copy(
        str(history), start, data=data, vcs_ref=before, defaults=True, unsafe=True, quiet=True
    )
    commit(start)
    command = [sys.executable, "-m", "copier", "update", "--trust", "--defaults", "--quiet"]
    seconds = []
    for number in range(ROUNDS):
        service = shutil.copytree(start, folder / f"{framework}-update-{number}")
        began = time.perf_counter()
        subprocess.run([*command, "--vcs-ref", NEWEST], cwd=service, check=True)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def one_file(target: Path) -> Path:
    """Return a template with this one's questions that renders one file."""
    target.mkdir()
    shutil.copytree(ROOT / "extensions", target / "extensions")
    shutil.copy2(ROOT / "copier.yml", target)
    (target / configuration()["_subdirectory"]).mkdir()
    (target / configuration()["_subdirectory"] / "file.txt").write_text("text\n")
    commit(target, tag="v1.0.0")
    return target


def lines_of_python(service: Path, *, dev: bool = False, docstrings: bool = True) -> int:
    """Count the lines outside tests that hold code or a docstring, in `dev/` or outside of it."""
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    total = 0
    for path in files(service):
        if path.suffix == ".py" and path.parts[0] != "tests" and (path.parts[0] == "dev") is dev:
            text = (service / path).read_text()
            tokens = tokenize.generate_tokens(io.StringIO(text).readline)
            held = [t for t in tokens if t.type not in nothing and t.string]
            lines = {n for t in held for n in range(t.start[0], t.end[0] + 1)}
            total += len(lines if docstrings else lines - lines_of_docstrings(text))
    return total


def lines_of_docstrings(text: str) -> set[int]:
    """Return the numbers of the lines that hold docstrings, those of attributes included."""
    strings = (
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
    return {n for s in strings for n in range(s.lineno, (s.end_lineno or s.lineno) + 1)}


def own_environment() -> dict[str, str]:
    """Return this environment without what points to servers and to our own packages."""
    names = {"DATABASE_URL", "REDIS_URL", *OWN_ENVIRONMENT}
    return {name: text for name, text in os.environ.items() if name not in names}


def cold_start(service: Path) -> float:
    """Return the seconds from `make run` to the first 200 of `/ready`, with no data there yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = time.perf_counter()
    run = subprocess.Popen(
        ["make", "run"],
        cwd=service,
        env=own_environment() | {"PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while True:
            if run.poll() is not None or time.perf_counter() - start > 120:
                raise RuntimeError(f"`make run` in {service} does not answer")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=1).close()
                return time.perf_counter() - start
            except (urllib.error.URLError, OSError):
                time.sleep(0.01)
    finally:
        os.killpg(run.pid, signal.SIGINT)
        run.wait()
        subprocess.run(["make", "clean"], cwd=service, check=True, capture_output=True)


def measure(
    template: Path, floor: Path, history: Path, framework: str, folder: Path
) -> dict[str, float]:
    """Return every figure of one framework."""
    service = folder / framework
    render(template, framework, service)
    bare = folder / f"{framework}-without-example"
    render(template, framework, bare, customise=True, example_domain=False)
    count = len(list(files(service)))
    lowest, whole, typed = medians(
        lambda target: render(floor, framework, target),
        lambda target: render(template, framework, target),
        lambda target: copy(template, framework, target),
    )
    updated = update(history, framework, folder)
    figures = {
        "lines": lines_of_python(service),
        "code_lines": lines_of_python(service, docstrings=False),
        "baseline_code_lines": lines_of_python(bare, docstrings=False),
        "dev_lines": lines_of_python(service, dev=True),
        "files": count,
        "copy_seconds": round(typed.wall, 2),
        "ms_per_file": round((whole.wall - lowest.wall) * 1000 / (count - 1), 2),
        "cpu_ms_per_file": round((whole.cpu - lowest.cpu) * 1000 / (count - 1), 2),
    }
    figures |= {
        "update_seconds": round(updated, 2),
        "updates_per_copy": round(updated / typed.wall, 2),
    }
    sync = ["uv", "sync", "--quiet"]
    subprocess.run(sync, cwd=service, env=own_environment(), check=True)
    cold_start(service)  # compiles the packages' bytecode, as no later start does
    starts = [cold_start(service) for _ in range(STARTS)]
    return figures | {"cold_start_seconds": round(statistics.median(starts), 2)}


def machine() -> dict[str, Any]:
    """Say where the figures come from."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "rounds": ROUNDS,
        "starts": STARTS,
    }


def table(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    names = list(result["figures"][FRAMEWORKS[0]])
    rows = [f"| | {' | '.join(FRAMEWORKS)} |", "|---|" + "---:|" * len(FRAMEWORKS)]
    for name in names:
        values = " | ".join(str(result["figures"][framework][name]) for framework in FRAMEWORKS)
        rows.append(f"| {name.replace('_', ' ')} | {values} |")
    where = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    method = (__doc__ or "").partition("\n\n")[2]
    intro = "# Results\n\nWritten by `nox -s benchmark`; never edited."
    return "\n\n".join([intro, "\n".join(rows), f"Machine: {where}.", method])


def main() -> None:
    """Measure both frameworks and write the results."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root, PostgreSQL runs as a user who has to enter
        template = snapshot(folder / "template", "v1.0.0")
        floor = one_file(folder / "floor")
        history = clone(folder / "history")
        figures = {each: measure(template, floor, history, each, folder) for each in FRAMEWORKS}
    result = {"machine": machine(), "figures": figures}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "results.json").write_text(json.dumps(result, indent=2) + "\n")
    (RESULTS / "results.md").write_text(table(result))
    print(table(result))


if __name__ == "__main__":
    main()
