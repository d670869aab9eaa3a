"""A throw-away PostgreSQL with its default durability, on a Unix socket in a directory that goes away with it."""

import contextlib
import glob
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

import psycopg

from checks.harness.processes import Failure, program, wait_until

SETTINGS = {
    "listen_addresses": "", "shared_buffers": "256MB", "max_wal_size": "4GB", "max_connections": "50",
    "port": "5432", "log_min_messages": "warning",
}


class Session:
    """One connection that commits each statement by itself. As a context manager it closes at the end."""

    def __init__(self, url: str) -> None:
        try:
            self._connection = psycopg.connect(url, autocommit=True)
        except psycopg.Error as error:
            raise Failure(str(error).strip()) from error

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The rows of a statement, each `%s` in it replaced by a parameter; none for a statement without rows."""
        try:
            cursor = self._connection.execute(sql.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise Failure(f"{str(error).strip()} in: {sql[:200]}") from error

    def value(self, sql: str, *parameters: object) -> Any:
        """The first column of the first row."""
        return self.rows(sql, *parameters)[0][0]


class Postgres:
    def __init__(self, root: pathlib.Path, port: str, process: subprocess.Popen[bytes]) -> None:
        self.root = root
        self.url = f"postgresql://postgres@/postgres?host={root}&port={port}"
        self.pid = process.pid

    def session(self, database: str = "postgres") -> Session:
        return Session(self.url.replace("/postgres?", f"/{database}?"))


@contextlib.contextmanager
def postgres(**settings: str) -> Iterator[Postgres]:
    programs, as_owner = binaries(), account()
    root = pathlib.Path(tempfile.mkdtemp(prefix="postrider-postgres-"))
    try:
        own(root)
        made = subprocess.run(
            [f"{programs}/initdb", "-D", root / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
            capture_output=True, text=True, cwd=root, **as_owner)
        if made.returncode != 0:
            raise Failure(f"initdb failed: {made.stderr.strip()[-500:]}")
        settings = SETTINGS | settings | {"unix_socket_directories": str(root)}
        with open(root / "data/postgresql.conf", "a") as conf:
            for name, setting in settings.items():
                conf.write(f"{name} = '{setting}'\n")
        with open(root / "server.log", "w") as log, program(
                [f"{programs}/postgres", "-D", root / "data"], parting=signal.SIGINT, stdout=log, stderr=log, cwd=root,
                **as_owner) as process:
            server = Postgres(root, settings["port"], process)
            wait_until("PostgreSQL starts", lambda: _answers(server), 60)
            yield server
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _answers(server: Postgres) -> bool:
    try:
        with server.session():
            return True
    except Failure:
        return False


def account() -> dict[str, Any]:
    """What lets a program of PostgreSQL run, which refuses to run as root."""
    return dict(user="postgres", group="postgres", extra_groups=[]) if os.geteuid() == 0 else {}


def own(folder: pathlib.Path) -> None:
    """Gives a folder to the account that PostgreSQL runs under."""
    if os.geteuid() == 0:
        found = _owner()
        os.chown(folder, found.pw_uid, found.pw_gid)


def binaries() -> str:
    installed = glob.glob("/usr/lib/postgresql/*/bin/postgres")
    found = shutil.which("postgres") or max(installed, key=lambda path: float(path.split("/")[4]), default=None)
    if not found:
        raise Failure("no PostgreSQL server is installed here; on Debian: apt-get install postgresql")
    return os.path.dirname(os.path.realpath(found))


def _owner() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise Failure("PostgreSQL does not run as root, and there is no user postgres; on Debian: apt-get install postgresql")
