"""Endpoints by the thousand, events by the million, and events at a steady rate."""

import contextlib
import ctypes
import multiprocessing
import multiprocessing.sharedctypes
import signal
import time
from collections.abc import Iterator, Sequence

import psycopg

from bench.receivers import Receiver
from checks.harness.postgres import Postgres, Session
from checks.harness.processes import Failure, end_with_parent

_CONTEXT = multiprocessing.get_context("fork")
PAYLOAD_BYTES = 500
# Rows of one statement. More gain nothing, and one statement is one transaction.
CHUNK = 10_000
# One session commits a few hundred times a second, because it waits for the disk each time.
SESSION_RATE = 250
# How long an event may take after the last one was published.
STRAGGLERS_S = 28


def register(
    session: Session,
    urls: Sequence[str],
    name: str = "bench",
    count: int = 1,
    event_types: str = "{bench.none}",
    tenant: str = "",
    timeout: str = "15 s",
) -> None:
    """Endpoints 1 to `count`, dealt out over the URLs, in one statement. `{n}` in name and tenant is the endpoint's number."""
    made = session.value(
        "SELECT count(made.endpoint_id) FROM generate_series(1, %s::int) AS n, LATERAL postrider.register_endpoint("
        "replace(%s, '{n}', n::text), (%s::text[])[1 + n %% %s] || '/' || n, %s::text[], tenant => replace(%s, '{n}', n::text), "
        "timeout => %s::interval) AS made",
        count,
        name,
        list(urls),
        len(urls),
        event_types,
        tenant,
        timeout,
    )
    if made != count:
        raise Failure(f"{made} endpoints are registered instead of {count}")


def publish(
    session: Session,
    count: int,
    event_type: str = "bench.event",
    endpoint: str | None = None,
    endpoints: int = 1,
    tenant: str = "",
    payload_bytes: int = PAYLOAD_BYTES,
    chunk: int = CHUNK,
) -> None:
    """`count` events: to those subscribed, or, dealt out, to the endpoints whose number stands for `{n}` in `endpoint`."""
    filler = "x" * max(0, payload_bytes - len('{"t":"","n":1000000}'))
    for first in range(0, count, chunk):
        session.rows(
            "INSERT INTO postrider.outbox (event_type, payload, endpoint, tenant) "
            "SELECT %s, ('{\"t\":\"' || %s || '\",\"n\":' || (1000000 + n) || '}')::json, "
            "replace(%s, '{n}', (1 + n %% %s)::text), replace(%s, '{n}', (1 + n %% %s)::text) "
            "FROM generate_series(%s::int, %s::int) AS n",
            event_type,
            filler,
            endpoint,
            endpoints,
            tenant,
            endpoints,
            first,
            min(first + chunk, count) - 1,
        )


class Pace:
    """Events at a steady rate. `committed[n]` is when the commit of event n was confirmed, by CLOCK_MONOTONIC; 0 before."""

    def __init__(self, capacity: int) -> None:
        self.committed: ctypes.Array[ctypes.c_double] = multiprocessing.sharedctypes.RawArray(ctypes.c_double, capacity)
        self._stopped = _CONTEXT.Event()

    def stop(self) -> None:
        """Takes effect within a second or the time of one event."""
        self._stopped.set()
        time.sleep(0.3)

    def waits(self, received: Receiver, since: float = 0, until: float = float("inf")) -> tuple[list[float], int]:
        """Waits until all that were published have come, for 28 s at most. Gives seconds from commit to receipt of the events
        committed in that time, and how many of them did not come: those count with the time that they have waited so far."""
        end = time.monotonic() + STRAGGLERS_S
        chosen = [n for n, when in enumerate(self.committed) if when and since <= when < until]
        while (missing := sum(1 for n in chosen if not received.when[n])) and time.monotonic() < end:
            time.sleep(0.05)
        now = time.monotonic()
        return [max(0.0, (received.when[n] or now) - self.committed[n]) for n in chosen], missing


@contextlib.contextmanager
def paced(
    server: Postgres,
    rate: float,
    capacity: int,
    event_type: str = "bench.paced",
    endpoint: str | None = None,
    endpoints: int = 1,
    tenant: str = "",
) -> Iterator[Pace]:
    """Publishes until it is stopped or `capacity` events are out, from processes of its own, one for each 250 events a second."""
    pace = Pace(capacity)
    sessions = max(1, round(rate / SESSION_RATE))
    start = time.monotonic() + 0.2
    processes = [
        _CONTEXT.Process(
            target=_publish_paced,
            daemon=True,
            args=(pace, server.url, start, rate, number, sessions, event_type, endpoint, endpoints, tenant),
        )
        for number in range(sessions)
    ]
    for process in processes:
        process.start()
    try:
        yield pace
    finally:
        for process in processes:
            process.kill()
            process.join()


def _publish_paced(
    pace: Pace,
    url: str,
    start: float,
    rate: float,
    first: int,
    step: int,
    event_type: str,
    endpoint: str | None,
    endpoints: int,
    tenant: str,
) -> None:
    end_with_parent(signal.SIGKILL)
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(first, len(pace.committed), step):
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
            if pace._stopped.is_set():
                return
            turn = str(1 + number * 7919 % endpoints)
            connection.execute(
                "INSERT INTO postrider.outbox (event_type, payload, endpoint, tenant) VALUES (%s, %s, %s, %s)",
                (event_type, f'{{"n":{number}}}', endpoint and endpoint.replace("{n}", turn), tenant.replace("{n}", turn)),
                prepare=True,
            )
            pace.committed[number] = time.monotonic()
