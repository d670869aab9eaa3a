"""How soon an event is received after its commit when there is little to do, and what doing nothing costs."""

import asyncio
import multiprocessing
import pathlib
import time
from multiprocessing.connection import Connection
from typing import Any

from bench.usage import cpu_seconds, tree_cpu_seconds
from checks.harness.postgres import Postgres, Session
from checks.harness.processes import Failure
from checks.harness.product import Postrider

RATE = 100
WARM_UP_S, QUIET_S, IDLE_S = 1, 5, 10


def latency(executable: pathlib.Path, server: Postgres, seconds: int) -> dict[str, Any]:
    """Figures of `seconds` of publishing 100 events a second, then of quiet."""
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    receiver = context.Process(target=_receive, args=(sending,), daemon=True)
    receiver.start()
    try:
        port = receiving.recv()
        with server.session() as session:
            session.rows("SELECT postrider.remove_endpoint(endpoint) FROM postrider.endpoint_health")
            session.rows("SELECT postrider.register_endpoint('latency', %s, '{bench.*}')", f"http://127.0.0.1:{port}/hook")
            with Postrider(executable, server).worker() as running:
                waits = _publish(session, receiving, seconds)
                time.sleep(QUIET_S)
                before = cpu_seconds(running.pid), tree_cpu_seconds(server.pid), time.monotonic()
                time.sleep(IDLE_S)
                idle = time.monotonic() - before[2]
                shares = (cpu_seconds(running.pid) - before[0]) / idle, (tree_cpu_seconds(server.pid) - before[1]) / idle
    finally:
        receiver.kill()
        receiver.join()
    waits.sort()
    return {
        "rate_per_second": RATE, "events": len(waits), "latency_p50_ms": _quantile(waits, 0.50),
        "latency_p99_ms": _quantile(waits, 0.99), "latency_max_ms": _quantile(waits, 1),
        "idle_worker_cpu_percent": round(shares[0] * 100, 2), "idle_postgres_cpu_percent": round(shares[1] * 100, 2),
    }


def _quantile(waits: list[float], share: float) -> float:
    return round(waits[min(len(waits) - 1, int(len(waits) * share))] * 1000, 3)


def _publish(session: Session, receiving: Connection, seconds: int) -> list[float]:
    """Seconds from commit to receipt of each event but the first ones."""
    committed, skipped = list[float](), RATE * WARM_UP_S
    start = time.monotonic()
    for number in range(RATE * (seconds + WARM_UP_S)):
        time.sleep(max(0.0, start + number / RATE - time.monotonic()))
        session.rows("INSERT INTO postrider.outbox (event_type, payload) VALUES ('bench.latency', %s)", f'{{"n":{number}}}')
        committed.append(time.monotonic())
    received: dict[int, float] = {}
    while len(received) < len(committed):
        if not receiving.poll(20):
            raise Failure(f"{len(committed) - len(received)} events of {len(committed)} did not arrive")
        number, when = receiving.recv()
        received.setdefault(number, when)
    return [received[number] - committed[number] for number in range(skipped, len(committed))]


class _Exchange(asyncio.Protocol):
    """Answers 200 and says when each request was complete. CLOCK_MONOTONIC is the same for all processes."""

    transport: asyncio.WriteTransport

    def __init__(self, sending: Connection) -> None:
        self.sending, self.data = sending, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
            if len(self.data) < end + 4 + length:
                return
            body, self.data = self.data[end + 4:end + 4 + length], self.data[end + 4 + length:]
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            self.sending.send((int(body.rpartition(b'"n":')[2].split(b"}")[0]), now))


def _receive(sending: Connection) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: _Exchange(sending), "127.0.0.1", 0)
        sending.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())
