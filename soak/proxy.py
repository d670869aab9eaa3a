"""A TCP proxy before PostgreSQL that delays, slices, cuts and resets what passes."""

import contextlib
import pathlib
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

_CHUNK = 16_384


class Proxy:
    """Connections to `address` go to the Unix socket that `target` names now."""

    def __init__(self, target: Callable[[], pathlib.Path], seed: int) -> None:
        self._target, self._chance = target, random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._guard = threading.Lock()
        self.delay_s, self.slice_bytes = 0.0, _CHUNK
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """Every connection ends with RST, in the middle of what passes."""
        with self._guard:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                _close(end)

    def heal(self) -> None:
        self.delay_s, self.slice_bytes = 0.0, _CHUNK

    def close(self) -> None:
        self._listener.close()
        self.reset()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self._target()))
            except OSError:
                client.close()
                continue
            with self._guard:
                self._pairs.append((client, server))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(self.slice_bytes):
                if self.delay_s:
                    time.sleep(self.delay_s * self._chance.random())
                sink.sendall(data)
        except OSError:
            pass
        _close(source)
        _close(sink)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextlib.contextmanager
def proxy(target: Callable[[], pathlib.Path], seed: int) -> Iterator[Proxy]:
    made = Proxy(target, seed)
    try:
        yield made
    finally:
        made.close()
