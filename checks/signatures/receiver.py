"""A receiver that keeps what it is sent, the newest of each path."""

import dataclasses
import http.server
import threading
from email.message import Message


@dataclasses.dataclass(frozen=True)
class Request:
    method: str
    headers: Message
    body: bytes


class Receiver:
    def __init__(self) -> None:
        self._requests: dict[str, Request] = {}
        requests = self._requests

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                requests[self.path.lstrip("/")] = Request(self.command, self.headers, body)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def requests(self, count: int) -> dict[str, Request] | None:
        """All of them, once so many paths were asked for."""
        return dict(self._requests) if len(self._requests) >= count else None
