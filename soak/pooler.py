"""PgBouncer in transaction mode before the primary, as many installations have it."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
from collections.abc import Iterator

import psycopg

from checks.harness.postgres import account, own
from checks.harness.processes import Failure, end_with_parent, wait_until

# Fewer than a worker has sessions, so that they share.
_CONNECTIONS = 5


class Pooler:
    def __init__(self, folder: pathlib.Path, port: int) -> None:
        self._folder = folder
        folder.mkdir()
        own(folder)
        (folder / "users.txt").write_text('"soak_worker" ""\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\npostgres = host=127.0.0.1 port={port} dbname=postgres\n"
            f"[pgbouncer]\nunix_socket_dir = {folder}\nlisten_port = 6432\nauth_type = trust\nauth_file = {folder}/users.txt\n"
            f"pool_mode = transaction\ndefault_pool_size = {_CONNECTIONS}\nserver_login_retry = 1\nlogfile = {folder}/pgbouncer.log\n")
        self.start()

    def url(self, user: str) -> str:
        return f"postgresql://{user}@/postgres?host={self._folder}&port=6432&connect_timeout=3"

    def start(self) -> None:
        program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        if not os.access(program, os.X_OK):
            raise Failure("there is no PgBouncer; on Debian: apt-get install pgbouncer")
        self._process = subprocess.Popen(
            [program, "-q", self._folder / "pgbouncer.ini"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=lambda: end_with_parent(signal.SIGKILL), **account())
        wait_until("PgBouncer listens", lambda: (self._folder / ".s.PGSQL.6432").exists(), 10)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(FileNotFoundError):
            (self._folder / ".s.PGSQL.6432").unlink()

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url("soak_worker")).close()
        except psycopg.Error:
            return False
        return True


@contextlib.contextmanager
def pooler(folder: pathlib.Path, port: int) -> Iterator[Pooler]:
    made = Pooler(folder, port)
    try:
        wait_until("PgBouncer reaches PostgreSQL", made.answers, 10)
        yield made
    finally:
        made.stop()
