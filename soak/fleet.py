"""The workers: started, killed, suspended and drained, and looked at while they run."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

from checks.harness.processes import end_with_parent, free_port, wait_until
from soak.journal import Journal
from soak.plan import FORBIDDEN_ADDRESS, FORBIDDEN_NAME, SLACK_S, Scene

DRAIN_S = 8
# Deliveries that a worker may hold: few, so that the bound of descriptors is near what it needs.
IN_FLIGHT = 256
# The bounds of one worker's process. Of descriptors: a connection for each delivery in flight, as kept ones take the place of busy ones;
# never two, since the address stands in the URL, and none to ask for a name. And what the worker reserves for all that is no
# delivery (`DescriptorLimit.reserve`): standard streams, Dispatch, sessions of the database, the health server and its clients.
RSS_MIB, DESCRIPTORS, THREADS, LOG_LINES_PER_S = 200, IN_FLIGHT + 48, 24, 30
# How long a worker may take to see that the database is there again.
READY_S = 15


class Member:
    """One worker and its place: a restarted one takes the place of the one before."""

    def __init__(
        self, number: int, executable: pathlib.Path, scene: Scene, url: str, folder: pathlib.Path, journal: Journal,
        starter: concurrent.futures.Executor,
    ) -> None:
        self.number, self._executable, self._journal, self._starter = number, executable, journal, starter
        self.log = folder / f"worker-{number}.log"
        self._address = f"127.0.0.1:{free_port()}"
        self._environment = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ} | {
            "POSTRIDER_DATABASE_URL": url, "POSTRIDER_ALLOW_HTTP": "true", "POSTRIDER_ALLOWED_NETWORKS": "127.0.0.1/32",
            "POSTRIDER_HEALTH_LISTEN": self._address, "POSTRIDER_LEASE_SLACK": f"{SLACK_S}s", "POSTRIDER_MAX_IN_FLIGHT": str(IN_FLIGHT),
            "POSTRIDER_DRAIN_TIMEOUT": f"{DRAIN_S}s", "POSTRIDER_LOG_FORMAT": "json",
        }
        if scene.switch is not None:
            self._environment["FAULT_SWITCH"] = scene.switch
        if scene.has_forbidden:
            hosts = folder / "hosts"
            hosts.write_text(f"{FORBIDDEN_ADDRESS} {FORBIDDEN_NAME}\n")
            self._environment["FAULT_HOSTS"] = str(hosts)
        self.clock: pathlib.Path | None = None
        if scene.has_clock and number == scene.workers - 1:
            self.clock = folder / "clock"
            self.set_clock(0)
            self._environment["FAULT_CLOCK"] = str(self.clock)
        self._is_deadly = scene.is_deadly
        self.guard = threading.Lock()
        self.is_suspended = False
        self.start()

    def start(self) -> None:
        """In a thread that lasts: a process that is to end with its parent ends with the thread that started it."""
        self._process = self._starter.submit(self._begin).result()
        self._journal.note("started", worker=self.number, pid=self._process.pid)

    def _begin(self) -> "subprocess.Popen[bytes]":
        with open(self.log, "a") as log:
            return subprocess.Popen(
                [self._executable, "worker"], env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=lambda: end_with_parent(signal.SIGKILL))

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        with self.guard:
            self._process.kill()
            self._process.wait()
            self._journal.note("killed", worker=self.number, pid=self.pid)
            self.start()

    def suspend(self, for_s: float) -> None:
        with self.guard:
            self.is_suspended = True
            self._process.send_signal(signal.SIGSTOP)
        time.sleep(for_s)
        with self.guard:
            self._process.send_signal(signal.SIGCONT)
            self.is_suspended = False

    def set_clock(self, ahead_s: int) -> None:
        """At once: the file has what it had, or what it is to have."""
        if self.clock is not None:
            new = self.clock.with_suffix(".new")
            new.write_text(str(ahead_s))
            new.rename(self.clock)

    def spare(self) -> None:
        """From now on it is not to die any more by the fault that is built into it."""
        if self._is_deadly:
            del self._environment["FAULT_SWITCH"]
            self._is_deadly = False
            self.kill()

    def drain(self, is_last: bool = False) -> None:
        """SIGTERM; the end is judged by the checker."""
        with self.guard:
            began = time.monotonic()
            self._process.send_signal(signal.SIGTERM)
            try:
                status = self._process.wait(DRAIN_S + 10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                status = self._process.wait()
            self._journal.note("drained", worker=self.number, pid=self.pid, status=status, took_s=round(time.monotonic() - began, 2))
            if not is_last:
                self.start()

    def end(self) -> None:
        with self.guard:
            self._process.kill()
            self._process.wait()

    def ask(self, path: str) -> tuple[int, str] | None:
        """The status and body; None without an answer."""
        try:
            with urllib.request.urlopen(f"http://{self._address}{path}", timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return None

    def is_ready(self) -> bool:
        answer = self.ask("/readyz")
        return answer is not None and answer[0] == 200

    def revive(self) -> None:
        """Notes when the process has ended by itself, and starts another."""
        if not self.guard.acquire(blocking=False):
            return
        try:
            if (status := self._process.poll()) is not None:
                is_meant = self._is_deadly and status == -signal.SIGKILL
                self._journal.note("crashed" if is_meant else "ended", worker=self.number, pid=self.pid, status=status)
                self.start()
        finally:
            self.guard.release()

    def look(self) -> None:
        """Notes what the process holds and what its health says."""
        if not self.guard.acquire(blocking=False):
            return
        try:
            if self.is_suspended or self._process.poll() is not None:
                return
            live, age_s = self.ask("/livez"), time.time() - _started(self.pid)
            held = {
                "rss_mib": _status(self.pid, "VmRSS") // 1024, "threads": _status(self.pid, "Threads"),
                "descriptors": len(os.listdir(f"/proc/{self.pid}/fd")),
            }
            # One that died while it was asked is not one that does not answer.
            if self._process.poll() is None:
                self._journal.note("looked", worker=self.number, pid=self.pid, live=live and live[0], age_s=round(age_s, 1), **held)
        except (FileNotFoundError, ProcessLookupError):
            pass
        finally:
            self.guard.release()


def _status(pid: int, field: str) -> int:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return 0


def _started(pid: int) -> float:
    return pathlib.Path(f"/proc/{pid}").stat().st_ctime


@contextlib.contextmanager
def fleet(
    executable: pathlib.Path, scene: Scene, urls: list[str], folder: pathlib.Path, journal: Journal,
) -> Iterator[list[Member]]:
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as starter:
        members = [Member(number, executable, scene, url, folder, journal, starter) for number, url in enumerate(urls)]
        try:
            wait_until("every worker is ready", lambda: all(member.is_ready() for member in members), 30)
            yield members
        finally:
            for member in members:
                member.end()


def log_lines(path: pathlib.Path) -> Iterator[dict[str, object]]:
    for line in path.read_text(errors="replace").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            yield {"message": line}


