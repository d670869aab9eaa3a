"""How fast one worker empties a queue that was full before it started, and what each delivery costs."""

import time

from bench.nginx import nginx
from bench.processes import tree_cpu_seconds, wait_until
from bench.worker import migrate, worker

PAYLOAD_BYTES = 500
BATCH = 1000


def throughput(executable, server, events, aside):
    """Figures of one run. `aside(worker, postgres)` is a context around the busy time, for profilers."""
    migrate(executable, server.url)
    with nginx() as endpoint, server.session() as session:
        session.rows(f"SELECT postrider.register_endpoint('bench', '{endpoint.url}')")
        version = session.value("SHOW server_version").split(" ")[0]
        _publish(session, events)
        wal = _wal(session)
        with worker(executable, server.url, is_ready=False) as running, aside(running, server):
            busy = [running.cpu_seconds(), server.cpu_seconds(), tree_cpu_seconds(endpoint.pid)]
            wait_until("all requests arrive", lambda: endpoint.requests() >= events, 600)
            wait_until("all deliveries are settled", lambda: _is_empty(session), 60, 0.002)
            seconds = float(session.value(
                "SELECT extract(epoch FROM clock_timestamp() - max(w.started_at)) FROM postrider.worker_list w"))
            spent = [now - before for now, before in zip(
                [running.cpu_seconds(), server.cpu_seconds(), tree_cpu_seconds(endpoint.pid)], busy)]
            time.sleep(1.1)  # the server's counters of WAL lag by a second
            written, full_pages = (now - before for now, before in zip(_wal(session), wal))
            memory = running.peak_memory_mib()
        requests = endpoint.requests()
        delivered, repeated = (int(cell) for cell in session.rows(
            "SELECT count(*) FILTER (WHERE outcome = 'delivered'), count(*) FILTER (WHERE attempt > 1) FROM postrider.attempt_log")[0])
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


def _publish(session, events):
    filler = "x" * (PAYLOAD_BYTES - len('{"n":1000000,"t":""}'))
    for first in range(0, events, BATCH):
        session.rows(
            "INSERT INTO postrider.outbox (event_type, payload) SELECT 'bench.event', "
            f"('{{\"n\":' || (1000000 + n) || ',\"t\":\"{filler}\"}}')::json "
            f"FROM generate_series({first}, {min(first + BATCH, events) - 1}) AS n")


def _is_empty(session):
    return session.value("SELECT NOT EXISTS (SELECT FROM postrider.deliveries)") == "t"


def _wal(session):
    """Bytes written to the log so far, and full images of pages among them."""
    return [int(cell) for cell in session.rows(
        "SELECT pg_current_wal_insert_lsn() - '0/0', wal_fpi FROM pg_stat_wal")[0]]
