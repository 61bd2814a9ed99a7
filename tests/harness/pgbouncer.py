"""A PgBouncer in transaction mode, in front of a test's own PostgreSQL."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import psycopg

from tests.harness.programs import installed
from tests.harness.roles import free_port
from tests.harness.waiting import until

NOBODY = 65534
SETTINGS = """
[databases]
* = host={server.hostname} port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {pool}
max_client_conn = 500
"""


class PgBouncer:
    """Everybody's transactions in a few connections of one server."""

    def __init__(self, url: str, pool: int) -> None:
        """Stand in front of the server at `url`, with at most `pool` connections a database."""
        program = installed("pgbouncer", package="pgbouncer")
        server, port = urlsplit(url), free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
        self._folder.chmod(0o755)
        settings = SETTINGS.format(server=server, port=port, folder=self._folder, pool=pool)
        (self._folder / "settings.ini").write_text(settings)
        (self._folder / "users.txt").write_text(f'"{server.username}" "{server.password}"\n')
        self.log = self._folder / "log"
        # It does not run as root.
        user = NOBODY if os.geteuid() == 0 else None
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [program, str(self._folder / "settings.ini")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
        self.url = url.replace(f":{server.port}/", f":{port}/")

    def __enter__(self) -> Self:
        """Return it when it answers."""
        until(self._answers, "pgbouncer does not start")
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder)

    def database(self, url: str) -> str:
        """Return the address of the database that `url` ends with, through this."""
        return f"{self.url.rpartition('/')[0]}/{url.rpartition('/')[2]}"

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True
