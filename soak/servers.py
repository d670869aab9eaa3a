"""A PostgreSQL primary and, where asked for, its standby, which change places at a fail-over."""

import abc
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence

import psycopg

from checks.harness.postgres import account, binaries, own
from checks.harness.processes import Failure, end_with_parent, wait_until
from soak.plan import Scene

SETTINGS = {
    "listen_addresses": "", "port": "5432", "shared_buffers": "128MB", "max_wal_size": "2GB", "max_connections": "60",
    "log_min_messages": "warning", "wal_level": "replica", "hot_standby": "on", "max_wal_senders": "5", "wal_keep_size": "256MB",
    "log_line_prefix": "%m [%p] %u ", "wal_sender_timeout": "5s",
}
# How long a server may take to start, to stop or to be promoted.
PATIENCE_S = 60


class Place(abc.ABC):
    """Where a server answers."""

    @abc.abstractmethod
    def url(self, user: str = "postgres") -> str:
        """For a login."""

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.url(), autocommit=True, connect_timeout=5)

    def answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.Error:
            return False
        return True


class Server(Place):
    """One data directory and its process, which listens on a Unix socket in `folder` alone."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, user: str = "postgres") -> str:
        return f"postgresql://{user}@/postgres?host={self.folder}&port=5432"

    def create(self) -> None:
        self.folder.mkdir()
        own(self.folder)
        _call("initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        with open(self.folder / "data/postgresql.conf", "a") as settings:
            for name, setting in (SETTINGS | {"unix_socket_directories": str(self.folder)}).items():
                settings.write(f"{name} = '{setting}'\n")

    def follow(self, primary: "Server") -> None:
        """Becomes a standby of `primary`, from nothing."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        own(self.folder)
        _call("pg_basebackup", "-R", "-c", "fast", "-D", self.folder / "data", "-d", primary.url())
        with open(self.folder / "data/postgresql.conf", "a") as settings:
            settings.write(f"unix_socket_directories = '{self.folder}'\n")
        self.start()

    def start(self) -> None:
        with open(self.folder / "server.log", "a") as log:
            self._process = subprocess.Popen(
                [f"{binaries()}/postgres", "-D", self.folder / "data"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=lambda: end_with_parent(signal.SIGQUIT), cwd=self.folder, **account())
        wait_until("PostgreSQL accepts connections", self.answers, PATIENCE_S)

    def stop(self, parting: signal.Signals, suspended: Sequence[int] = ()) -> None:
        """SIGINT stops it fast, SIGQUIT at once, as a crash does. `suspended` children cannot end by themselves."""
        if self._process is not None:
            self._process.send_signal(parting)
            for child in suspended:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            self._process.wait(PATIENCE_S)
            self._process = None

    def wait_for_standby(self) -> None:
        """From now on commits wait until a standby has them. It is to be told to both servers: each may be the primary."""
        with open(self.folder / "data/postgresql.conf", "a") as settings:
            settings.write("synchronous_standby_names = '*'\n")
        with self.connect() as connection:
            connection.execute("SELECT pg_reload_conf()")

    def promote(self) -> None:
        with self.connect() as connection:
            connection.execute("SELECT pg_promote()")
            wait_until("the standby is promoted", lambda: not is_standby(connection), PATIENCE_S)


def is_standby(connection: "psycopg.Connection[tuple[object, ...]]") -> bool:
    found = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    return found is None or bool(found[0])


def walsenders(connection: "psycopg.Connection[tuple[object, ...]]") -> list[int]:
    """The processes that send a standby what it is to repeat."""
    return [int(str(row[0])) for row in connection.execute("SELECT pid FROM pg_stat_replication WHERE state = 'streaming'").fetchall()]


class Pair:
    """`primary` takes what is written; `standby` is there only in a soak with fail-overs."""

    def __init__(self, root: pathlib.Path, with_standby: bool) -> None:
        self._first, self._second = Server(root / "a"), Server(root / "b")
        self.primary = self._first
        self.standby = self._second if with_standby else None

    @property
    def entry(self) -> pathlib.Path:
        """The socket of the primary."""
        return self.primary.folder / ".s.PGSQL.5432"

    def url(self, user: str = "postgres") -> str:
        """Both servers in one URL of libpq, which takes the one that can be written to."""
        if self.standby is None:
            return self.primary.url(user)
        folders = f"{self._first.folder},{self._second.folder}"
        return f"postgresql://{user}@/postgres?host={folders}&port=5432,5432&target_session_attrs=read-write&connect_timeout=3"

    def fail_over(self, lag_s: float, promoted: Callable[[], None]) -> None:
        """The primary crashes with `lag_s` of its work not sent to the standby, which takes its place. It comes back as a standby.

        Where commits wait for the standby, they do not return in that time, and in the time until there is one again.
        """
        assert self.standby is not None
        with self.primary.connect() as connection:
            senders = walsenders(connection)
        for sender in senders:
            os.kill(sender, signal.SIGSTOP)
        time.sleep(lag_s)
        self.primary.stop(signal.SIGQUIT, senders)
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary
        promoted()
        self.standby.follow(self.primary)


@contextlib.contextmanager
def servers(root: pathlib.Path, scene: Scene) -> Iterator[Pair]:
    pair = Pair(root, scene.fail_overs > 0)
    try:
        pair.primary.create()
        pair.primary.start()
        if pair.standby is not None:
            pair.standby.follow(pair.primary)
            if scene.is_synchronous:
                pair.standby.wait_for_standby()
                pair.primary.wait_for_standby()
        yield pair
    finally:
        for server in (pair.standby, pair.primary):
            if server is not None:
                server.stop(signal.SIGQUIT)


def _call(program: str, *arguments: str | pathlib.Path) -> None:
    done = subprocess.run([f"{binaries()}/{program}", *arguments], capture_output=True, text=True, cwd="/", **account())
    if done.returncode != 0:
        raise Failure(f"{program} failed: {done.stderr.strip()[-500:]}")
