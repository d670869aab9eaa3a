"""Everything that is not Postrider: a receiver behind every address of this machine, and a name server where one is told of names."""

import asyncio
import contextlib
import dataclasses
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import cast

from checks.hostile.names import Zone

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Visit:
    """A connection: the address and port that was dialled."""

    address: str
    port: int


@dataclasses.dataclass(frozen=True)
class Request:
    visit: Visit
    head: bytes
    body: bytes

    @property
    def path(self) -> str:
        return self.head.split(b" ", 2)[1].decode()


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Request], Awaitable[None]]


async def ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


class Outside:
    """Answers in a thread of its own. `scripts` says what becomes of a request by the first part of its path; the others get 200.
    A part that begins with `early` has its answer before the body is read."""

    def __init__(self, zone: Zone | None, ports: Sequence[int], scripts: dict[str, Script]) -> None:
        self.zone, self._ports, self._scripts = zone, ports, scripts
        self.visits: list[Visit] = []
        self.requests: list[Request] = []
        self.answered = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @contextlib.contextmanager
    def open(self) -> Iterator["Outside"]:
        self._thread.start()
        if not self._ready.wait(10):
            raise OSError("the receivers do not start")
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _run(self) -> None:
        # The other side may go at any time.
        self._loop.set_exception_handler(lambda loop, told: None if isinstance(told.get("exception"), OSError) else loop.default_exception_handler(told))
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()

    async def _listen(self) -> None:
        if zone := self.zone:
            await self._loop.create_datagram_endpoint(lambda: _Questions(self, zone), local_addr=("127.0.0.1", 53))
        for port in self._ports:
            listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)
            await asyncio.start_server(self._serve, sock=listener, limit=1 << 20)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address, port = writer.get_extra_info("sockname")[:2]
        visit = Visit(address.removeprefix("::ffff:"), port)
        self.visits.append(visit)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length, name = _LENGTH.search(head), head.split(b" ", 2)[1].decode().split("/")[1]
                is_read = bool(length) and not name.startswith("early")
                body = await reader.readexactly(int(length.group(1))) if length and is_read else b""
                request = Request(visit, head, body)
                self.requests.append(request)
                await self._scripts.get(name, ok)(reader, writer, request)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()


class _Questions(asyncio.DatagramProtocol):
    def __init__(self, outside: Outside, zone: Zone) -> None:
        self._outside, self._zone = outside, zone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if reply := self._zone.reply(data):
            self._outside.answered += 1
            self._transport.sendto(reply, address)
