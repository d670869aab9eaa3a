"""Requests as they go over the wire, signed by the scheme of Standard Webhooks before anything is measured."""

import base64
import hmac
import pathlib
import struct
import time
from collections.abc import Iterable

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PATH = "/in/bench"
BODY_BYTES = 500


def signed(number: int, body_bytes: int = BODY_BYTES, key: str = SECRET) -> bytes:
    """A request with an id of its own."""
    body = f'{{"type":"order.paid","timestamp":"2026-01-01T00:00:00Z","data":{{"number":{number},"note":"'.encode()
    body += b"x" * (body_bytes - len(body) - 3) + b'"}}'
    identifier, moment = f"msg_{number:012}", str(int(time.time()))
    digest = hmac.digest(base64.b64decode(key.removeprefix("whsec_")), f"{identifier}.{moment}.".encode() + body, "sha256")
    return (
        f"POST {PATH} HTTP/1.1\r\nHost: hooks.example.com\r\nUser-Agent: sender/1.0\r\nContent-Type: application/json\r\n"
        f"webhook-id: {identifier}\r\nwebhook-timestamp: {moment}\r\nwebhook-signature: v1,{base64.b64encode(digest).decode()}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def forged(number: int, body_bytes: int = BODY_BYTES) -> bytes:
    """The same, signed with a secret that is not the source's."""
    return signed(number, body_bytes, "whsec_" + base64.b64encode(bytes(24)).decode())


def endless() -> list[bytes]:
    """A head that looks as good as any, and a piece of a body that never ends."""
    head, _, _ = forged(0).partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length:")]
    return [b"\r\n".join([*lines, b"Transfer-Encoding: chunked"]) + b"\r\n\r\n", b"10000\r\n" + b"x" * 0x10000 + b"\r\n"]


def write(path: pathlib.Path, requests: Iterable[bytes]) -> pathlib.Path:
    """The file that the sender reads."""
    with open(path, "wb") as file:
        for request in requests:
            file.write(struct.pack("<I", len(request)) + request)
    return path
