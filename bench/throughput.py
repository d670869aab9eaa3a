"""How fast one worker empties a queue that was full before it started, and what each delivery costs."""

import pathlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from bench.nginx import Nginx, nginx
from bench.usage import cpu_seconds, peak_memory_mib, tree_cpu_seconds
from checks.harness.postgres import Postgres, Session
from checks.harness.processes import wait_until
from checks.harness.product import Postrider, Worker

PAYLOAD_BYTES = 500
BATCH = 1000


def throughput(
    executable: pathlib.Path, server: Postgres, events: int, aside: Callable[[Worker, Postgres], AbstractContextManager[None]]
) -> dict[str, Any]:
    """Figures of one run. `aside(worker, postgres)` is a context around the busy time, for profilers."""
    postrider = Postrider(executable, server)
    postrider.run("migrate")
    with nginx() as endpoint, server.session() as session:
        session.rows("SELECT postrider.register_endpoint('bench', %s)", endpoint.url)
        version = session.value("SHOW server_version").split(" ")[0]
        _publish(session, events)
        wal = _wal(session)
        with postrider.worker(is_ready=False) as running, aside(running, server):
            busy = _used(running, server, endpoint)
            wait_until("all requests arrive", lambda: endpoint.requests() >= events, 600)
            wait_until("all deliveries are settled", lambda: _is_empty(session), 60, 0.002)
            seconds = float(session.value(
                "SELECT extract(epoch FROM clock_timestamp() - max(w.started_at)) FROM postrider.worker_list w"))
            spent = [now - before for now, before in zip(_used(running, server, endpoint), busy)]
            time.sleep(1.1)  # the server's counters of WAL lag by a second
            written, full_pages = (now - before for now, before in zip(_wal(session), wal))
            memory = peak_memory_mib(running.pid)
        requests = endpoint.requests()
        delivered, repeated = session.rows(
            "SELECT count(*) FILTER (WHERE outcome = 'delivered'), count(*) FILTER (WHERE attempt > 1) FROM postrider.attempt_log")[0]
    return {
        "postgres": "PostgreSQL " + version, "events": events, "payload_bytes": PAYLOAD_BYTES, "seconds": round(seconds, 3),
        "deliveries_per_second": round(events / seconds),
        "worker_cpu_us_per_delivery": round(spent[0] / events * 1e6, 1),
        "postgres_cpu_us_per_delivery": round(spent[1] / events * 1e6, 1),
        "endpoint_cpu_us_per_delivery": round(spent[2] / events * 1e6, 1),
        "wal_bytes_per_delivery": round(written / events),
        "wal_full_pages": full_pages, "worker_peak_memory_mib": round(memory, 1),
        "requests": requests, "delivered": delivered, "repeated": repeated,
    }


def _publish(session: Session, events: int) -> None:
    filler = "x" * (PAYLOAD_BYTES - len('{"n":1000000,"t":""}'))
    for first in range(0, events, BATCH):
        session.rows(
            "INSERT INTO postrider.outbox (event_type, payload) SELECT 'bench.event', "
            f"('{{\"n\":' || (1000000 + n) || ',\"t\":\"{filler}\"}}')::json "
            f"FROM generate_series({first}, {min(first + BATCH, events) - 1}) AS n")


def _used(worker: Worker, server: Postgres, endpoint: Nginx) -> list[float]:
    """CPU seconds of the worker, of PostgreSQL and of the endpoint."""
    return [cpu_seconds(worker.pid), tree_cpu_seconds(server.pid), tree_cpu_seconds(endpoint.pid)]


def _is_empty(session: Session) -> bool:
    return bool(session.value("SELECT NOT EXISTS (SELECT FROM postrider.deliveries)"))


def _wal(session: Session) -> list[int]:
    """Bytes written to the log so far, and full images of pages among them."""
    return [int(cell) for cell in session.rows(
        "SELECT pg_current_wal_insert_lsn() - '0/0', wal_fpi FROM pg_stat_wal")[0]]
