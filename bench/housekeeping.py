"""Housekeeping at its worst, beside producers: none may wait for long, and none may meet a deadlock.

Many kept events of which all are to be looked at, many rows in DEFAULT partitions, many old idempotency keys, days to drop, a
worker with the rights of a worker and a limit of one second on its statements, sessions that insert and cancel, and a transaction
that is left open half of the time. Exits with 0 when no insert waited longer than 200 ms and none met a deadlock, and everything was
done or goes on.
"""

import argparse
import contextlib
import dataclasses
import pathlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psycopg

from bench.nginx import nginx
from bench.publishing import register
from bench.stage import Installation, Stage
from checks.harness.postgres import Postgres, Session
from checks.harness.processes import Failure
from checks.harness.product import built_executable

LONGEST_WAIT_S = 0.2
PRODUCERS, CANCELLERS, PAUSE_S = 3, 2, 0.02
OPEN_S = 60
OLD_DAYS = 20
CHUNK = 500_000
INSERT = "INSERT INTO postrider.outbox (event_type, payload) VALUES ('soak.event', '{\"n\": 1}')"


@dataclasses.dataclass(frozen=True)
class Size:
    seconds: int
    kept: int
    strays: int
    keys: int

    def scaled(self, scale: float) -> "Size":
        return Size(self.seconds, int(self.kept * scale), int(self.strays * scale), int(self.keys * scale))


FULL = Size(600, 10_000_000, 4_000_000, 500_000)


class Waits:
    """How long each insert took, and what was refused, told by all sessions."""

    def __init__(self) -> None:
        self.taken: list[float] = []
        self.refused: list[str] = []
        self.is_over = threading.Event()

    @contextlib.contextmanager
    def session(self, url: str, act: Callable[["psycopg.Connection[object]"], None]) -> Iterator[None]:
        """One session that acts again and again."""

        def go_on() -> None:
            with psycopg.connect(url, autocommit=True) as connection:
                while not self.is_over.wait(PAUSE_S):
                    try:
                        act(connection)
                    except psycopg.Error as error:
                        self.refused.append(f"{error.sqlstate}: {str(error).splitlines()[0]}")

        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.is_over.set()
            thread.join(30)

    def insert(self, connection: "psycopg.Connection[object]") -> None:
        began = time.perf_counter()
        connection.execute(INSERT)
        self.taken.append(time.perf_counter() - began)

    def insert_and_cancel(self, connection: "psycopg.Connection[object]") -> None:
        with connection.transaction():
            self.insert(connection)
            connection.execute("SELECT postrider.cancel_event(1)")


def fill(session: Session, size: Size, say: Callable[[str], None]) -> None:
    """Days of delivered events; rows in DEFAULT; old days and keys. No partition for today or later."""
    session.rows("SET session_replication_role = replica")
    session.rows("SET synchronous_commit = off")
    session.rows(
        "SELECT postrider.make_partition(parent, (now() AT TIME ZONE 'UTC')::date - n, '-infinity') "
        "FROM unnest(ARRAY['outbox', 'attempts']) AS parent, generate_series(2, 12) AS n"
    )
    session.rows(
        "SELECT postrider.make_partition(parent, (now() AT TIME ZONE 'UTC')::date - 40 - n, '-infinity') "
        "FROM unnest(ARRAY['outbox', 'attempts']) AS parent, generate_series(1, %s) AS n",
        OLD_DAYS,
    )
    say(f"{size.kept} delivered events of ten days")
    for done in range(0, size.kept, CHUNK):
        _events(session, min(CHUNK, size.kept - done), f"now() - interval '12 days' + interval '10 days' * (%s + n) / {size.kept}", done)
    say("old days")
    _events(session, OLD_DAYS * 1000, "now() - interval '40 days' - interval '1 day' * (%s + n %% 20)", 0.5)
    for (name,) in session.rows("SELECT d.name FROM postrider.daily_partitions() d WHERE d.day > now() - interval '2 days'"):
        session.rows(f'DROP TABLE postrider."{name}"')
    say(f"{size.strays} rows in DEFAULT")
    for done in range(0, size.strays, CHUNK):
        count = min(CHUNK, size.strays - done)
        _events(session, count, f"now() - interval '1 day' * (1 - (%s + n) / {size.strays}.0)", done)
    say(f"{size.keys} old keys")
    session.rows(
        "INSERT INTO postrider.idempotency_keys (tenant, idempotency_key, event_id, event_at, fingerprint) "
        "SELECT '', n::text, n, now() - interval '100 days' + n * interval '1 s', sha256('') FROM generate_series(1, %s::int) AS n",
        size.keys,
    )
    session.rows("RESET session_replication_role")
    session.rows("UPDATE postrider.subscriptions SET effective_at = now() - interval '100 days'")
    session.rows("UPDATE postrider.duties SET last_at = '-infinity'")
    session.rows("CHECKPOINT")


def _events(session: Session, count: int, created_at: str, offset: float) -> None:
    session.rows(
        "WITH made AS (INSERT INTO postrider.outbox (event_type, payload, created_at) "
        f"SELECT 'soak.event', '{{\"order_id\": 42, \"total\": 19.90}}', {created_at} FROM generate_series(1, %s::int) AS n "
        "RETURNING id, created_at) "
        "INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt, outcome, worker) "
        "SELECT created_at, created_at, id, 1, 1, 900, 1, 0, 1 FROM made",
        offset,
        count,
    )


def leave_open(server: Postgres, is_over: threading.Event) -> None:
    """A transaction that has inserted and does nothing more, half of the time."""
    with psycopg.connect(server.url) as connection:
        while not is_over.is_set():
            connection.execute(INSERT)
            is_over.wait(OPEN_S)
            connection.commit()
            is_over.wait(OPEN_S)


def told(session: Session) -> str:
    days, strays, keys, seen = session.rows(
        "SELECT (SELECT count(*) FROM postrider.daily_partitions() d WHERE d.day < now() - interval '31 days'), "
        "(SELECT count(*) FROM postrider.daily_partitions() d WHERE d.day >= (now() AT TIME ZONE 'UTC')::date), "
        "(SELECT count(*) FROM postrider.idempotency_keys), "
        "(SELECT coalesce(spot_at::timestamp(0)::text, 'done') FROM postrider.duties WHERE duty = 'repair_all')"
    )[0]
    return f"old partitions {days}, of today on {strays}, keys {keys}, repair of everything at {seen}"


def soak(executable: pathlib.Path, size: Size) -> list[str]:
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began:>6.0f} s  {what}", file=sys.stderr, flush=True)

    stage = Stage(executable, False, False, 0, say)
    with nginx() as endpoint, stage.installation(autovacuum_naptime="10s", max_wal_size="8GB") as installation:
        session = installation.session
        register(session, endpoint.urls, event_types="{*}")
        session.rows("SELECT postrider.keep_subscriptions()")
        fill(session, size, say)
        session.rows("ALTER ROLE bench_worker SET statement_timeout = '1s'")
        return _beside_producers(installation, size, say)


def _beside_producers(installation: Installation, size: Size, say: Callable[[str], None]) -> list[str]:
    waits, session, url = Waits(), installation.session, installation.server.url
    with contextlib.ExitStack() as stack:
        open_one = threading.Thread(target=leave_open, args=(installation.server, waits.is_over), daemon=True)
        stack.enter_context(installation.worker())
        open_one.start()
        for _ in range(PRODUCERS):
            stack.enter_context(waits.session(url, waits.insert))
        for _ in range(CANCELLERS):
            stack.enter_context(waits.session(url, waits.insert_and_cancel))
        end, repaired = time.monotonic() + size.seconds, 0.0
        began = time.monotonic()
        while time.monotonic() < end:
            time.sleep(min(10, max(0.1, end - time.monotonic())))
            state = told(session)
            if not repaired and state.endswith("done"):
                repaired = time.monotonic() - began
            say(f"{state}; {len(waits.taken)} inserts, longest {max(waits.taken) * 1000:.0f} ms; {len(waits.refused)} refused")
        waits.is_over.set()
        open_one.join(30)
    return _faults(session, waits, repaired, size, say)


def _faults(session: Session, waits: Waits, repaired: float, size: Size, say: Callable[[str], None]) -> list[str]:
    taken = sorted(waits.taken)
    say(
        f"{len(taken)} inserts: p50 {taken[len(taken) // 2] * 1000:.1f} ms, p99 {taken[len(taken) * 99 // 100] * 1000:.1f} ms, "
        f"longest {taken[-1] * 1000:.1f} ms; everything repaired after {f'{repaired:.0f} s' if repaired else 'longer'}"
    )
    for duty, failures, error in session.rows("SELECT duty, failures, last_error FROM postrider.duties ORDER BY duty"):
        if failures:
            say(f"duty {duty}: {failures} failures in a row: {error}")
    faults = [f"refused: {refused}" for refused in sorted(set(waits.refused))]
    if taken[-1] > LONGEST_WAIT_S:
        faults.append(f"{sum(wait > LONGEST_WAIT_S for wait in taken)} inserts waited longer than {LONGEST_WAIT_S * 1000:.0f} ms")
    if session.value("SELECT count(*) FROM postrider.daily_partitions() d WHERE d.day >= (now() AT TIME ZONE 'UTC')::date") < 16:
        faults.append("partitions are missing")
    if session.value("SELECT count(*) FROM postrider.daily_partitions() d WHERE d.day < now() - interval '31 days'"):
        faults.append("old partitions are left")
    if session.value("SELECT count(*) FROM postrider.idempotency_keys") and size.seconds >= 60:
        faults.append("old keys are left")
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m bench.housekeeping", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two minutes at a twentieth of the size")
    parser.add_argument("--scale", type=float, default=1, help="the part of 10 million events, 4 million strays, 500,000 keys")
    parser.add_argument("--seconds", type=int, default=0, help="how long (default: 600)")
    given = parser.parse_args()
    size = FULL.scaled(0.05 if given.quick else given.scale)
    size = dataclasses.replace(size, seconds=given.seconds or (120 if given.quick else FULL.seconds))
    faults = soak(built_executable(), size)
    for fault in faults:
        print(f"housekeeping: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"housekeeping: {failure}")
    except KeyboardInterrupt:
        sys.exit("housekeeping: interrupted")
