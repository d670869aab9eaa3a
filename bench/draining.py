"""A queue that was full before the worker started: how fast it is emptied, and what each delivery costs."""

import contextlib
import dataclasses
import time
from collections.abc import Sequence

from bench.nginx import Nginx
from bench.publishing import PAYLOAD_BYTES, publish
from bench.stage import Installation, Stage
from bench.usage import Meter, peak_memory_mib

PATIENCE_S = 600


@dataclasses.dataclass(frozen=True)
class Drained:
    seconds: float
    deliveries_per_second: float
    # Microseconds a delivery: of the worker, of PostgreSQL and of the endpoint.
    cpu_us: dict[str, float]
    wal_bytes: float
    peak_memory_mib: float
    faults: list[str]


def drain(
    stage: Stage,
    installation: Installation,
    endpoint: Nginx,
    events: int,
    payload_bytes: int = PAYLOAD_BYTES,
    within: Sequence[str] = (),
) -> Drained:
    """Publishes, then starts a worker and waits until it is done. The time counts from the start of the worker."""
    stage.say(f"publishing {events:,} events of {payload_bytes:,} bytes")
    earlier, earlier_delivered = endpoint.requests(), installation.delivered()[0]
    publish(installation.session, events, payload_bytes=payload_bytes, chunk=max(10, min(1000, 20_000_000 // payload_bytes)))
    wal = installation.wal()
    stage.say("draining")
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(installation.worker(is_ready=False, within=within))
        with stage.aside(running, installation.server):
            meter = Meter(worker=running.pid, postgres=installation.server.pid, endpoint=endpoint.pid)
            endpoint.when(earlier + events, PATIENCE_S)
            installation.wait_until_settled()
            seconds = float(
                installation.session.value(
                    "SELECT extract(epoch FROM clock_timestamp() - max(w.started_at)) FROM postrider.worker_list w"
                )
            )
            spent = meter.seconds()
        time.sleep(1.1)  # the server's counters of WAL lag by a second
        written = installation.wal()[0] - wal[0]
        memory = peak_memory_mib(running.pid)
    return Drained(
        seconds,
        events / seconds,
        {name: used / events * 1e6 for name, used in spent.items()},
        written / events,
        memory,
        faults(events, endpoint.requests() - earlier, installation.delivered()[0] - earlier_delivered),
    )


def faults(events: int, requests: int, delivered: int) -> list[str]:
    """What did not happen exactly once, in words."""
    found = []
    if delivered != events:
        found.append(f"{delivered} of {events} events are recorded as delivered")
    if requests != events:
        found.append(f"{requests} requests were made for {events} events")
    return found
