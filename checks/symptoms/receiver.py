"""A receiver whose paths say what it does."""

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator

from standardwebhooks.webhooks import Webhook

# Longer than the default timeout of an endpoint, and what makes an endpoint a slow one.
_HANG_S, _SLOW_S = 40.0, 0.8

# Status and body of what answers without looking.
_ANSWERS = {
    "/500": (500, b"the database is locked"), "/401": (401, b"unknown token"), "/429": (429, b"slow down"), "/410": (410, b"moved away"),
}
# What /verify has agreed on with its sender.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def _answer(path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    if path == "/hang":
        time.sleep(_HANG_S)
    if path == "/slow":
        time.sleep(_SLOW_S)
    if path == "/parse" and b"poison" in body:
        return 500, b"total is no number"
    if path == "/verify":
        try:
            Webhook(SECRET).verify(body, headers)
        except Exception:
            return 401, b"signature does not match"
    return _ANSWERS.get(path, (200, b""))


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status, text = _answer(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.send_response(status)
        if status == 429:
            self.send_header("retry-after", "30")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def handle(self) -> None:
        # A worker that has waited for long enough cuts its connection.
        with contextlib.suppress(OSError):
            super().handle()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def receiver() -> Iterator[str]:
    """Lends its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
