"""Endpoints that note when each event came, that take their time, or that never answer. Each runs in a process of its own."""

import asyncio
import contextlib
import ctypes
import multiprocessing
import multiprocessing.sharedctypes
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

from bench.addresses import loopback_hosts
from checks.harness.processes import Failure, end_with_parent

_CONTEXT = multiprocessing.get_context("fork")
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Receiver:
    """`when[n]` is when the event that holds `"n":n` came first, by CLOCK_MONOTONIC; 0 before. `count` counts all requests."""

    def __init__(self, capacity: int) -> None:
        self.when: ctypes.Array[ctypes.c_double] = multiprocessing.sharedctypes.RawArray(ctypes.c_double, capacity)
        self._count = multiprocessing.sharedctypes.RawValue(ctypes.c_long, 0)
        self.urls: list[str] = []
        self.pid = 0

    @property
    def count(self) -> int:
        return int(self._count.value)

    def forget(self) -> None:
        """All that has come so far: the next events begin at 0 again."""
        ctypes.memset(self.when, 0, ctypes.sizeof(self.when))

    @property
    def url(self) -> str:
        return self.urls[0]


@contextlib.contextmanager
def receiver(capacity: int = 1, delay_s: float | None = 0, hosts: int = 1) -> Iterator[Receiver]:
    """Answers after `delay_s`; with None it accepts, reads, and never answers."""
    made = Receiver(capacity)
    addresses = ["127.0.0.1", *loopback_hosts(hosts - 1)]
    receiving, sending = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_serve, args=(made, delay_s, addresses, sending), daemon=True)
    process.start()
    try:
        if not receiving.poll(10):
            raise Failure("a receiver of the benchmark does not start")
        port = receiving.recv()
        made.urls = [f"http://{address}:{port}/hook" for address in addresses]
        made.pid = process.pid or 0
        yield made
    finally:
        process.kill()
        process.join()


class _Exchange(asyncio.Protocol):
    transport: asyncio.WriteTransport

    def __init__(self, noted: Receiver, delay_s: float | None) -> None:
        self.noted, self.delay_s, self.data = noted, delay_s, b""

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
            body, self.data = self.data[end + 4 : end + 4 + length], self.data[end + 4 + length :]
            self._note(body, now)
            if self.delay_s == 0:
                self.transport.write(_ANSWER)
            elif self.delay_s:
                asyncio.get_running_loop().call_later(self.delay_s, self._answer)

    def _answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_ANSWER)

    def _note(self, body: bytes, now: float) -> None:
        self.noted._count.value += 1
        number = body.rpartition(b'"n":')[2].split(b"}")[0].split(b",")[0]
        if number.isdigit() and int(number) < len(self.noted.when) and self.noted.when[int(number)] == 0:
            self.noted.when[int(number)] = now


def _serve(noted: Receiver, delay_s: float | None, addresses: list[str], sending: Connection) -> None:
    end_with_parent(signal.SIGKILL)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        first = await loop.create_server(lambda: _Exchange(noted, delay_s), addresses[0], 0, backlog=4096)
        port = first.sockets[0].getsockname()[1]
        if addresses[1:]:
            await loop.create_server(lambda: _Exchange(noted, delay_s), addresses[1:], port, backlog=4096)
        sending.send(port)
        await first.serve_forever()

    asyncio.run(serve())
