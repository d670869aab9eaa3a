"""A receiver whose paths say what it answers."""

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator

# How long /slow and /hang take.
_SLOW_S, _HANG_S = 0.8, 3.0


class Receiver:
    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        # Paths that answer 200 from now on.
        self.repaired: set[str] = set()

    def answer(self, path: str) -> int:
        if path == "/hang" and path not in self.repaired:
            time.sleep(_HANG_S)
        if path == "/slow":
            time.sleep(_SLOW_S)
        return 200 if path in self.repaired or not path[1:].isdigit() else int(path[1:])


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(made.answer(self.path))
            self.send_header("content-length", "0")
            self.end_headers()

        def handle(self) -> None:
            # A worker that is told to stop, or that has waited for long enough, cuts its connections.
            with contextlib.suppress(OSError):
                super().handle()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
