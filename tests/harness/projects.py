"""Services rendered and installed once for all test processes of a run."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import copier

from tests.variants import VARIANTS

DOMAIN = Path(__file__).parents[1] / "contract" / "domain"


class Projects:
    """The services of this run, made when they are first asked for."""

    def __init__(self, template: Path, folder: Path) -> None:
        """Render from `template` into `folder`, which other test processes use as well."""
        self._template, self._folder = template, folder
        self._made: dict[str, Project] = {}

    def __getitem__(self, framework: str) -> "Project":
        """Return the service of a framework."""
        if framework not in self._made:
            self._made[framework] = Project(framework, self._template, self._folder / framework)
        return self._made[framework]


class Project:
    """A service with every default, its environments, and its copy for the contract."""

    def __init__(self, framework: str, template: Path, folder: Path) -> None:
        """Keep everything in `folder`, which every user can enter."""
        self.framework = framework
        self._template, self._folder = template, folder

    @cached_property
    def service(self) -> Path:
        """The service as it is rendered, with its uv.lock. Only to be read."""

        def make(target: Path) -> None:
            copier.run_copy(
                str(self._template),
                target,
                data=dict(VARIANTS[self.framework]),
                defaults=True,
                quiet=True,
                unsafe=True,
            )
            uv(target, "lock")

        return once(self._folder / "service", make)

    @cached_property
    def development(self) -> Path:
        """The same folder, and `.venv` in it has every dependency group."""
        sync = ("sync", "--frozen", "--all-groups")
        once(self.service / ".venv", lambda made: uv(self.service, *sync, venv=made))
        return self.service

    @cached_property
    def production(self) -> Path:
        """The Python of an environment with production dependencies only."""
        sync = ("sync", "--frozen", "--no-default-groups")
        venv = once(self._folder / "venv", lambda made: uv(self.service, *sync, venv=made))
        return venv / "bin" / "python"

    @cached_property
    def contract(self) -> Path:
        """The service with the fixture domain dropped in. Only to be read."""

        def make(target: Path) -> None:
            shutil.copytree(self.service, target, ignore=shutil.ignore_patterns(".venv"))
            shutil.copytree(DOMAIN / self.framework, target, dirs_exist_ok=True)

        return once(self._folder / "contract", make)


@contextmanager
def shared_folder() -> Iterator[Path]:
    """Yield a folder that all test processes of this run share; the last one deletes it."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"prodstarter-{run}"
    with Path(f"{folder}.users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        yield folder
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        shutil.rmtree(folder, ignore_errors=True)
        Path(users.name).unlink(missing_ok=True)


def once(target: Path, make: Callable[[Path], object]) -> Path:
    """Return `target`, made by the process that comes first; the others wait for it."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with Path(f"{target}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = Path(f"{target}.made")
        if not done.exists():
            make(target)
            done.touch()
    return target


def find_uv() -> str:
    """Return the path of uv."""
    return os.environ.get("UV") or shutil.which("uv") or str(Path("~/.uv/bin/uv").expanduser())


def uv(folder: Path, *arguments: str, venv: Path | None = None) -> None:
    """Run uv in a service; a failing uv fails the test with its own words."""
    environ = os.environ | ({"UV_PROJECT_ENVIRONMENT": str(venv)} if venv else {})
    command = [find_uv(), *arguments, "--quiet"]
    done = subprocess.run(
        command, cwd=folder, env=environ, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
