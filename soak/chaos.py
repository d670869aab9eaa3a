"""The faults, drawn by a seed that is printed, and noted with their beginning and their end."""

import concurrent.futures
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
from soak.patroni import Cluster
from soak.plan import ENDPOINTS, LEASE_S, MAX_ATTEMPTS, Scene
from soak.pooler import Pooler
from soak.proxy import Proxy
from soak.servers import Pair

# Beyond what receivers let a signature be early.
_CLOCK_STEP_S = 600


@dataclasses.dataclass(frozen=True)
class Chaos:
    scene: Scene
    pair: Pair | Cluster
    members: list[Member]
    proxy: Proxy
    pooler: Pooler
    journal: Journal
    chance: random.Random
    # A small file system that holds the attempts of today; None where none could be mounted.
    small_disk: pathlib.Path | None = None

    def run(self) -> None:
        """Workers die all the time; beside that, one fault of the database or the network after another."""
        for_s, fail_overs = self.scene.seconds, self.scene.fail_overs
        end = time.monotonic() + for_s
        stop = threading.Event()
        hunters = [threading.Thread(target=hunt, args=(stop, random.Random(self.chance.random())))
                   for name, hunt in (("killed", self._end_workers), ("suspended", self._suspend_workers)) if self._plays(name)]
        faults = {name: fault for name, fault in self._faults().items() if self._plays(name)}
        for hunter in hunters:
            hunter.start()
        try:
            every = for_s / (fail_overs + 1)
            due = [end - for_s + every * (number + 1) for number in range(fail_overs)]
            while (left := end - time.monotonic()) > 0:
                if due and time.monotonic() >= due[0]:
                    due.pop(0)
                    is_silent = len(due) % 2 == 0
                    self._suffer("fail_over", lambda: self._fail_over(is_silent))
                elif faults:
                    name = self.chance.choice(sorted(faults))
                    self._suffer(name, faults[name])
                time.sleep(min(left, self.chance.uniform(2, 5) * self.scene.pause))
        finally:
            stop.set()
            for hunter in hunters:
                hunter.join()
            self.proxy.heal()

    def _plays(self, name: str) -> bool:
        return self.scene.faults is None or name in self.scene.faults

    def _faults(self) -> dict[str, Callable[[], None]]:
        faults: dict[str, Callable[[], None]] = {
            "sessions_ended": self._end_sessions,
            "connections_used_up": self._use_up_connections,
            "lanes_locked": self._lock_lanes,
            "preview_left_open": self._leave_preview_open,
            "acts_at_once": self._act_at_once,
            "network_slow": self._slow_down,
            "network_reset": self.proxy.reset,
            "pooler_restarted": self._restart_pooler,
        }
        if isinstance(pair := self.pair, Pair):
            faults["restart_fast"] = lambda: self._restart(pair, signal.SIGINT)
            faults["restart_at_once"] = lambda: self._restart(pair, signal.SIGQUIT)
        if self.scene.has_clock:
            faults["clock_stepped"] = self._step_clock
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
        while not stop.wait(chance.uniform(self.scene.end_pause_s / 2, self.scene.end_pause_s * 2)):
            member = chance.choice(self.members)
            # What is suspended cannot drain.
            if member.is_suspended or chance.random() < 0.9:
                member.kill()
            else:
                member.drain()

    def _suspend_workers(self, stop: threading.Event, chance: random.Random) -> None:
        """Some for longer than a lease: what such a worker does then is too late."""
        while not stop.wait(chance.uniform(2, 8) * self.scene.pause):
            member = chance.choice(self.members)
            pid = member.pid
            self.journal.note("suspended", worker=member.number, pid=pid)
            member.suspend(LEASE_S * chance.uniform(*self.scene.suspension))
            self.journal.note("resumed", worker=member.number, pid=pid)

    def _restart(self, pair: Pair, parting: signal.Signals) -> None:
        pair.primary.stop(parting)
        time.sleep(self.chance.uniform(0, 2))
        pair.primary.start()

    def _fail_over(self, is_silent: bool) -> None:
        """A primary that falls silent is one that Patroni fences; where no one does, it crashes."""
        lag_s = self.chance.uniform(0.5, 4)
        if isinstance(self.pair, Cluster):
            how = self.pair.fail_over(lag_s, is_silent, lambda: self.journal.note("promoted", after_silence=is_silent))
            self.journal.note("returned", how=how)
        else:
            self.pair.fail_over(lag_s, lambda: self.journal.note("promoted", after_silence=False))

    def _end_sessions(self) -> None:
        """In the middle of what they do: claims and settles that came in the meantime wait for the lock."""
        with self.pair.primary.connect() as connection, connection.transaction():
            connection.execute("LOCK TABLE postrider.deliveries IN ACCESS EXCLUSIVE MODE")
            time.sleep(0.08)
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

    def _act_at_once(self) -> None:
        """Two operators act on an endpoint while a third has it open: both wait, and go on at once when that one ends."""
        name = self.chance.choice(sorted(ENDPOINTS))
        with self.pair.primary.connect() as connection, concurrent.futures.ThreadPoolExecutor(2) as operators:
            with connection.transaction(force_rollback=True):
                connection.execute("SELECT postrider.pause_endpoint(%s)", (name,))
                operators.submit(self._act, "SELECT postrider.resume_endpoint(%s)", name)
                operators.submit(self._act, f"SELECT postrider.update_endpoint(%s, max_attempts => {MAX_ATTEMPTS})", name)
                time.sleep(0.2)

    def _act(self, statement: str, endpoint: str) -> None:
        with contextlib.suppress(psycopg.Error), self.pair.primary.connect() as connection:
            connection.execute(statement.encode(), (endpoint,))

    def _slow_down(self) -> None:
        self.proxy.delay_s, self.proxy.slice_bytes = self.chance.uniform(0.01, 0.2), self.chance.randrange(1, 400)
        time.sleep(3)
        self.proxy.heal()
        if self.chance.random() < 0.5:
            self.proxy.reset()

    def _restart_pooler(self) -> None:
        self.pooler.stop()
        time.sleep(self.chance.uniform(0, 2))
        self.pooler.start()

    def _step_clock(self) -> None:
        for member in self.members:
            member.set_clock(_CLOCK_STEP_S)
        time.sleep(self.chance.uniform(1, 3))
        for member in self.members:
            member.set_clock(0)

    def _fill_disk(self) -> None:
        assert self.small_disk is not None
        ballast = self.small_disk / "ballast"
        subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=64k"], capture_output=True)
        time.sleep(self.chance.uniform(1, 4))
        ballast.unlink()


@contextlib.contextmanager
def looking(pair: Pair | Cluster, members: list[Member], journal: Journal) -> Iterator[None]:
    """Notes twice a second what the workers hold and how long their transactions last, and at once when one has ended by itself."""
    stop = threading.Event()

    def revive() -> None:
        while not stop.wait(0.02):
            for member in members:
                member.revive()

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

    threads = [threading.Thread(target=what) for what in (look, revive)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def heal(pair: Pair | Cluster, members: list[Member], journal: Journal) -> None:
    """Waits until the workers say that all is well; how long that took is for the checker."""
    for member in members:
        member.spare()
    began = time.monotonic()
    wait_until("PostgreSQL answers", pair.primary.answers, 60)
    wait_until("every worker is ready again", lambda: all(member.is_ready() for member in members), 4 * READY_S)
    journal.note("ready_again", took_s=round(time.monotonic() - began, 2))
