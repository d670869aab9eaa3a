"""Ten endpoints of which each fails in a way of its own, until they are told to do well. They run in one process of their own."""

import asyncio
import contextlib
import ctypes
import multiprocessing
import multiprocessing.sharedctypes
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection

from checks.harness.processes import Failure, end_with_parent

_CONTEXT = multiprocessing.get_context("fork")
# What a way answers at once.
_ANSWERS = {
    0: b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n",
    1: b"HTTP/1.1 503 No\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n",
    2: b"HTTP/1.1 429 No\r\ncontent-length: 0\r\n\r\n",
    3: b"HTTP/1.1 504 No\r\ncontent-length: 0\r\n\r\n",
    4: b"HTTP/1.1 400 No\r\ncontent-length: 0\r\n\r\n",
    # No HTTP.
    5: b"garbage\r\n\r\n",
    # Less than it promises.
    6: b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0123456789",
}
_WELL = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
_LATE = b"HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n"
# The others: 7 never answers, 8 cuts the connection, 9 answers 502 after two seconds.
SILENT, CUTTING, LATE = 7, 8, 9
WAYS = 10


class Failing:
    """`asked` counts the requests of each, `most` how many were there at once while `is_watched`."""

    def __init__(self) -> None:
        self.asked: ctypes.Array[ctypes.c_long] = multiprocessing.sharedctypes.RawArray(ctypes.c_long, WAYS)
        self.most: ctypes.Array[ctypes.c_long] = multiprocessing.sharedctypes.RawArray(ctypes.c_long, WAYS)
        self.is_watched = multiprocessing.sharedctypes.RawValue(ctypes.c_bool, False)
        self.is_well = multiprocessing.sharedctypes.RawValue(ctypes.c_bool, False)
        self.url = ""


@contextlib.contextmanager
def failing() -> Iterator[Failing]:
    """The last digit of the path says which of them a request is for."""
    made = Failing()
    receiving, sending = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_serve, args=(made, sending), daemon=True)
    process.start()
    try:
        if not receiving.poll(10):
            raise Failure("the failing endpoints of the benchmark do not start")
        made.url = f"http://127.0.0.1:{receiving.recv()}/failing"
        yield made
    finally:
        process.kill()
        process.join()


def _serve(made: Failing, sending: Connection) -> None:
    end_with_parent(signal.SIGKILL)
    now = [0] * WAYS

    async def answered(way: int, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        if not made.is_well.value and way in (SILENT, CUTTING):
            await asyncio.sleep(30 if way == SILENT else 0)
            writer.transport.abort()
            return False
        if not made.is_well.value and way == LATE:
            await asyncio.sleep(2)
        writer.write(_WELL if made.is_well.value else _ANSWERS.get(way, _LATE))
        await writer.drain()
        return made.is_well.value or way not in (5, 6)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            goes_on = True
            while goes_on:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
                way = int(head.split(b" ")[1][-1:])
                now[way] += 1
                made.asked[way] += 1
                if made.is_watched.value:
                    made.most[way] = max(made.most[way], now[way])
                try:
                    goes_on = await answered(way, writer)
                finally:
                    now[way] -= 1
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=1024)
        sending.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())
