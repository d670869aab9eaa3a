"""Two PostgreSQL servers that Patroni keeps, with etcd to agree over and HAProxy before them: all on loopback, each fail-over is Patroni's."""

import contextlib
import glob
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator

import psycopg

from checks.harness.postgres import account, binaries, own
from checks.harness.processes import Failure, end_with_parent, free_port, program, wait_until
from soak.plan import Scene
from soak.servers import PATIENCE_S, SETTINGS, Place, is_standby, walsenders

# Seconds after which a leader that says nothing has lost its place, how often Patroni looks, and how long it tries: much less than its
# defaults of 30, 10 and 10, so that a short run has several fail-overs.
_AGREEMENT = {"ttl": 6, "loop_wait": 1, "retry_timeout": 2}
# How long a server that fell silent stays so after another took its place. Longer than the first delivery may take.
_SILENCE_S = 12


class Node(Place):
    """One Patroni and its PostgreSQL, which listens on a port of loopback."""

    def __init__(self, name: str, root: pathlib.Path, etcd_port: int, is_synchronous: bool) -> None:
        self.name, self.folder = name, root / name
        self.port, self.rest_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._began_at = 0
        self.folder.mkdir()
        own(self.folder)
        (self.folder / "patroni.yml").write_text(json.dumps(self._settings(etcd_port, is_synchronous)))

    def _settings(self, etcd_port: int, is_synchronous: bool) -> dict[str, object]:
        """As YAML, of which JSON is a part."""
        address, rest = f"127.0.0.1:{self.port}", f"127.0.0.1:{self.rest_port}"
        parameters = {name: setting for name, setting in SETTINGS.items() if name not in ("listen_addresses", "port")}
        return {
            "scope": "soak", "name": self.name, "restapi": {"listen": rest, "connect_address": rest}, "etcd3": {"host": f"127.0.0.1:{etcd_port}"},
            "bootstrap": {
                # A standby takes over however much it lacks: what is lost then is counted.
                "dcs": _AGREEMENT | {"maximum_lag_on_failover": 1 << 30, "synchronous_mode": is_synchronous,
                                     "postgresql": {"use_pg_rewind": True, "parameters": parameters}},
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, {"auth": "trust"}, "data-checksums"],
            },
            "postgresql": {
                "listen": address, "connect_address": address, "data_dir": str(self.folder / "data"), "bin_dir": binaries(),
                "pgpass": str(self.folder / "pgpass"), "basebackup": [{"checkpoint": "fast"}],
                "parameters": {"unix_socket_directories": str(self.folder)},
                "pg_hba": ["local all all trust", "host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
                "authentication": {role: {"username": "postgres"} for role in ("superuser", "replication", "rewind")},
                "remove_data_directory_on_rewind_failure": True, "remove_data_directory_on_diverged_timelines": True,
            },
        }

    def url(self, user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/postgres?sslmode=disable&gssencmode=disable"

    def start(self) -> None:
        patroni = shutil.which("patroni")
        if patroni is None:
            raise Failure("there is no Patroni; on Debian: apt-get install patroni")
        with open(self.folder / "server.log", "a") as log:
            self._began_at = log.tell()
            # It has Debian's Python, not ours; told to end, it stops its PostgreSQL too.
            self._process = subprocess.Popen(
                [patroni, self.folder / "patroni.yml"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=lambda: end_with_parent(signal.SIGTERM), cwd=self.folder, env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}, **account())

    def crash(self) -> None:
        """As a machine that loses its power."""
        if self._process is not None:
            for process in self._processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def fall_silent(self) -> None:
        """As a machine that stands still: its connections stay, and nothing is answered over them."""
        for process in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)

    def says(self, path: str) -> bool:
        """Whether Patroni answers with 200: `/primary`, `/replica`, `/health`."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.rest_port}{path}", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def is_primary(self) -> bool:
        """Whether it takes what is written, whatever Patroni says of it."""
        try:
            with self.connect() as connection:
                return not is_standby(connection)
        except psycopg.Error:
            return False

    def returned_by(self) -> str:
        """How it became a standby after its last start."""
        said = (self.folder / "server.log").read_bytes()[self._began_at:].decode(errors="replace")
        if "bootstrap from leader" in said:
            return "cloned again"
        return "rewound" if "running pg_rewind" in said else "caught up"

    def _processes(self) -> list[int]:
        """Patroni first, or it would start its PostgreSQL again."""
        found = [self._process.pid] if self._process is not None else []
        return found + _family(self.folder / "data/postmaster.pid")


def _family(file: pathlib.Path) -> list[int]:
    """The server that the file names, and its children; none if it has ended."""
    try:
        postmaster = file.read_text().split("\n")[0]
        if pathlib.Path(f"/proc/{postmaster}/comm").read_text() != "postgres\n":
            return []
        return [int(process) for process in (postmaster, *pathlib.Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split())]
    except OSError:
        return []


class Cluster:
    """As `Pair`, for those who play: which server is the primary is Patroni's to say."""

    def __init__(self, root: pathlib.Path, scene: Scene, etcd_port: int) -> None:
        self._nodes = [Node(name, root, etcd_port, scene.is_synchronous) for name in ("a", "b")]
        self._last = self._nodes[0]
        self.entry = root / "haproxy/.s.PGSQL.5432"

    @property
    def primary(self) -> Node:
        """The one that Patroni calls so; the last one while there is none."""
        self._last = next((node for node in self._nodes if node.says("/primary")), self._last)
        return self._last

    def url(self, user: str = "postgres") -> str:
        """Both servers in one URL of libpq, which takes the one that can be written to."""
        ports = ",".join(str(node.port) for node in self._nodes)
        return (f"postgresql://{user}@/postgres?host=127.0.0.1,127.0.0.1&port={ports}&target_session_attrs=read-write&connect_timeout=3"
                "&sslmode=disable&gssencmode=disable")

    def balanced_url(self, user: str) -> str:
        """The primary of the moment, by way of HAProxy."""
        return f"postgresql://{user}@/postgres?host={self.entry.parent}&port=5432&connect_timeout=3"

    def fail_over(self, lag_s: float, is_silent: bool, promoted: Callable[[], None]) -> str:
        """The primary crashes or falls silent with `lag_s` of its work not sent to the standby. Patroni sees to the rest.

        Returns how the old primary became a standby.
        """
        old = self.primary
        new = next(node for node in self._nodes if node is not old)
        with old.connect() as connection:
            senders = walsenders(connection)
        for sender in senders:
            os.kill(sender, signal.SIGSTOP)
        time.sleep(lag_s)
        (old.fall_silent if is_silent else old.crash)()
        wait_until("Patroni promotes the standby", lambda: new.says("/primary") and new.is_primary(), PATIENCE_S)
        promoted()
        if is_silent:
            time.sleep(_SILENCE_S)
            old.crash()
        old.start()
        wait_until("the old primary is a standby", lambda: old.says("/replica") and _has_standby(new), PATIENCE_S)
        return old.returned_by()

    def start(self) -> None:
        for node in self._nodes:
            node.start()
            # The first one that there is makes the cluster.
            wait_until("Patroni has its PostgreSQL", lambda: node.says("/health"), PATIENCE_S)
        wait_until("there is a primary with a standby", lambda: _has_standby(self.primary), PATIENCE_S)

    def stop(self) -> None:
        for node in self._nodes:
            node.crash()

    def balancer(self) -> pathlib.Path:
        """The settings of HAProxy: connections go to the one that Patroni calls primary, and end with its place."""
        folder = self.entry.parent
        folder.mkdir()
        own(folder)
        servers = "".join(f"  server {node.name} 127.0.0.1:{node.port} check port {node.rest_port}\n" for node in self._nodes)
        (folder / "haproxy.cfg").write_text(
            "global\n  maxconn 200\ndefaults\n  mode tcp\n  timeout connect 2s\n  timeout client 30m\n  timeout server 30m\n  timeout check 1s\n"
            f"listen primary\n  bind unix@{self.entry}\n  option httpchk OPTIONS /primary\n  http-check expect status 200\n"
            f"  default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions\n{servers}")
        return folder / "haproxy.cfg"


def _has_standby(node: Node) -> bool:
    """Whether a standby follows it."""
    try:
        with node.connect() as connection:
            return bool(walsenders(connection))
    except psycopg.Error:
        return False


@contextlib.contextmanager
def cluster(root: pathlib.Path, scene: Scene) -> Iterator[Cluster]:
    port, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    etcd, haproxy = (shutil.which(name) or f"/usr/sbin/{name}" for name in ("etcd", "haproxy"))
    for needed, package in ((etcd, "etcd-server"), (haproxy, "haproxy")):
        if not os.access(needed, os.X_OK):
            raise Failure(f"there is no {needed}; on Debian: apt-get install {package}")
    (root / "etcd").mkdir()
    own(root / "etcd")
    with contextlib.ExitStack() as stack:
        stack.enter_context(_reaping())
        log = stack.enter_context(open(root / "etcd/log", "w"))
        stack.enter_context(program(
            [etcd, "--data-dir", root / "etcd/data", "--listen-client-urls", port, "--advertise-client-urls", port, "--listen-peer-urls", peers,
             "--initial-advertise-peer-urls", peers, "--initial-cluster", f"default={peers}"], stdout=log, stderr=log, cwd=root, **account()))
        made = Cluster(root, scene, int(port.rpartition(":")[2]))
        stack.callback(made.stop)
        made.start()
        stack.enter_context(program([haproxy, "-db", "-f", made.balancer()], stdout=log, stderr=log, cwd=root, **account()))
        wait_until("HAProxy listens", made.entry.exists, PATIENCE_S)
        yield made


@contextlib.contextmanager
def _reaping() -> Iterator[None]:
    """Servers that Patroni starts are no children of its own but of ours, once their parent has ended: it waits until we have seen their end."""
    ended = threading.Event()

    def reap() -> None:
        while not ended.wait(0.1):
            for path in glob.glob("/proc/self/task/*/children"):
                with contextlib.suppress(OSError):
                    for child in pathlib.Path(path).read_text().split():
                        if " (postgres) Z " in pathlib.Path(f"/proc/{child}/stat").read_text():
                            os.waitpid(int(child), os.WNOHANG)

    reaping = threading.Thread(target=reap)
    reaping.start()
    try:
        yield
    finally:
        ended.set()
        reaping.join()
