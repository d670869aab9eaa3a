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

from bench.libpq import Session
from bench.processes import Failure, program, tree_cpu_seconds, wait_until

SETTINGS = {
    "listen_addresses": "", "shared_buffers": "256MB", "max_wal_size": "4GB", "max_connections": "50",
    "port": "5432", "log_min_messages": "warning",
}


class Postgres:
    def __init__(self, root, port, process):
        self.root = root
        self.url = f"postgresql://postgres@/postgres?host={root}&port={port}"
        self.pid = process.pid

    def session(self):
        return Session(self.url)

    def cpu_seconds(self):
        return tree_cpu_seconds(self.pid)


@contextlib.contextmanager
def postgres(**settings):
    binaries = _binaries()
    # PostgreSQL refuses to run as root.
    account = dict(user="postgres", group="postgres", extra_groups=[]) if os.geteuid() == 0 else {}
    root = pathlib.Path(tempfile.mkdtemp(prefix="postrider-bench-"))
    try:
        if account:
            owner = _owner()
            os.chown(root, owner.pw_uid, owner.pw_gid)
        made = subprocess.run(
            [f"{binaries}/initdb", "-D", root / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
            capture_output=True, text=True, cwd=root, **account)
        if made.returncode != 0:
            raise Failure(f"initdb failed: {made.stderr.strip()[-500:]}")
        with open(root / "data/postgresql.conf", "a") as conf:
            settings = SETTINGS | settings | {"unix_socket_directories": str(root)}
            for name, value in settings.items():
                conf.write(f"{name} = '{value}'\n")
        with open(root / "server.log", "w") as log, program(
                [f"{binaries}/postgres", "-D", root / "data"], parting=signal.SIGINT, stdout=log, stderr=log, cwd=root,
                **account) as process:
            server = Postgres(root, settings["port"], process)
            wait_until("PostgreSQL starts", lambda: _answers(server), 60)
            yield server
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _answers(server):
    try:
        with server.session() as session:
            return session.value("SELECT 1")
    except Failure:
        return None


def _binaries():
    installed = glob.glob("/usr/lib/postgresql/*/bin/postgres")
    found = shutil.which("postgres") or max(installed, key=lambda path: float(path.split("/")[4]), default=None)
    if not found:
        raise Failure("no PostgreSQL server is installed here; on Debian: apt-get install postgresql")
    return os.path.dirname(os.path.realpath(found))


def _owner():
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise Failure("PostgreSQL does not run as root, and there is no user postgres; on Debian: apt-get install postgresql")
