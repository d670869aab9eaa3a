"""The faults, drawn by a seed that is printed, and noted with their beginning and their end."""

import contextlib
import dataclasses
import pathlib
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import psycopg

from checks.harness.processes import wait_until
from soak.fleet import READY_S, Member
from soak.journal import Journal
from soak.plan import ENDPOINTS, LEASE_S
from soak.proxy import Proxy
from soak.servers import Pair

# The pause between two ends of workers, which the draw halves or doubles.
_PAUSE_S = 0.4


@dataclasses.dataclass(frozen=True)
class Chaos:
    pair: Pair
    members: list[Member]
    proxy: Proxy
    journal: Journal
    chance: random.Random
    # A small file system that holds the attempts of today; None where none could be mounted.
    small_disk: pathlib.Path | None = None

    def run(self, for_s: float, fail_overs: int) -> None:
        """Workers die all the time; beside that, one fault of the database or the network after another."""
        end = time.monotonic() + for_s
        stop = threading.Event()
        hunters = [threading.Thread(target=hunt, args=(stop, random.Random(self.chance.random())))
                   for hunt in (self._end_workers, self._suspend_workers)]
        for hunter in hunters:
            hunter.start()
        try:
            every = for_s / (fail_overs + 1)
            due = [end - for_s + every * (number + 1) for number in range(fail_overs)]
            while (left := end - time.monotonic()) > 0:
                if due and time.monotonic() >= due[0]:
                    due.pop(0)
                    self._suffer("fail_over", self._fail_over)
                else:
                    name = self.chance.choice(sorted(self._faults()))
                    self._suffer(name, self._faults()[name])
                time.sleep(min(left, self.chance.uniform(2, 5)))
        finally:
            stop.set()
            for hunter in hunters:
                hunter.join()
            self.proxy.heal()

    def _faults(self) -> dict[str, Callable[[], None]]:
        faults: dict[str, Callable[[], None]] = {
            "restart_fast": lambda: self._restart(signal.SIGINT),
            "restart_at_once": lambda: self._restart(signal.SIGQUIT),
            "sessions_ended": self._end_sessions,
            "connections_used_up": self._use_up_connections,
            "lanes_locked": self._lock_lanes,
            "preview_left_open": self._leave_preview_open,
            "network_slow": self._slow_down,
            "network_reset": self.proxy.reset,
        }
        if self.small_disk is not None:
            faults["disk_full"] = self._fill_disk
        return faults

    def _suffer(self, name: str, fault: Callable[[], None]) -> None:
        number = self.chance.randrange(1 << 30)
        self.journal.note("fault", name=name, number=number)
        # A server that restarts may refuse the fault itself.
        with contextlib.suppress(psycopg.Error):
            fault()
        self.journal.note("healed", name=name, number=number)

    def _end_workers(self, stop: threading.Event, chance: random.Random) -> None:
        while not stop.wait(chance.uniform(_PAUSE_S / 2, _PAUSE_S * 2)):
            member = chance.choice(self.members)
            # What is suspended cannot drain.
            if member.is_suspended or chance.random() < 0.9:
                member.kill()
            else:
                member.drain()

    def _suspend_workers(self, stop: threading.Event, chance: random.Random) -> None:
        """Some for longer than a lease: what such a worker does then is too late."""
        while not stop.wait(chance.uniform(2, 8)):
            member = chance.choice(self.members)
            pid = member.pid
            self.journal.note("suspended", worker=member.number, pid=pid)
            member.suspend(LEASE_S * chance.uniform(0.3, 2))
            self.journal.note("resumed", worker=member.number, pid=pid)

    def _restart(self, parting: signal.Signals) -> None:
        self.pair.primary.stop(parting)
        time.sleep(self.chance.uniform(0, 2))
        self.pair.primary.start()

    def _fail_over(self) -> None:
        self.pair.fail_over(self.chance.uniform(0.5, 4))

    def _end_sessions(self) -> None:
        with self.pair.primary.connect() as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'soak_worker' AND random() < 0.7")

    def _use_up_connections(self) -> None:
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(psycopg.Error):
                while True:
                    stack.enter_context(psycopg.connect(self.pair.primary.url("soak_producer"), connect_timeout=2))
            time.sleep(2)

    def _lock_lanes(self) -> None:
        with self.pair.primary.connect() as connection, connection.transaction():
            connection.execute("LOCK TABLE postrider.lanes IN ACCESS EXCLUSIVE MODE")
            time.sleep(self.chance.uniform(1, 4))

    def _leave_preview_open(self) -> None:
        with self.pair.primary.connect() as connection, contextlib.suppress(psycopg.Rollback), connection.transaction():
            connection.execute("SELECT postrider.pause_endpoint(%s)", (self.chance.choice(sorted(ENDPOINTS)),))
            time.sleep(self.chance.uniform(1, 5))
            raise psycopg.Rollback

    def _slow_down(self) -> None:
        self.proxy.delay_s, self.proxy.slice_bytes = self.chance.uniform(0.01, 0.2), self.chance.randrange(1, 400)
        time.sleep(3)
        self.proxy.heal()
        if self.chance.random() < 0.5:
            self.proxy.reset()

    def _fill_disk(self) -> None:
        assert self.small_disk is not None
        ballast = self.small_disk / "ballast"
        subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=64k"], capture_output=True)
        time.sleep(self.chance.uniform(1, 4))
        ballast.unlink()


@contextlib.contextmanager
def looking(pair: Pair, members: list[Member], journal: Journal) -> Iterator[None]:
    """Notes twice a second what the workers hold and how long their transactions last."""
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.5):
            for member in members:
                member.look()
            with contextlib.suppress(psycopg.Error), pair.primary.connect() as connection:
                found = connection.execute(
                    "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8, count(*)"
                    " FROM pg_stat_activity WHERE usename = 'soak_worker'").fetchone()
                if found is not None:
                    journal.note("transactions", longest_s=found[0], sessions=found[1])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def heal(pair: Pair, members: list[Member], journal: Journal) -> None:
    """Waits until the workers say that all is well; how long that took is for the checker."""
    began = time.monotonic()
    wait_until("PostgreSQL answers", pair.primary.answers, 60)
    wait_until("every worker is ready again", lambda: all(member.is_ready() for member in members), 4 * READY_S)
    journal.note("ready_again", took_s=round(time.monotonic() - began, 2))
