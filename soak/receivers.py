"""The endpoints: each notes every request before it answers, verifies it with code of its own, and behaves as its manners say."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import multiprocessing
import pathlib
import random
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

from checks.harness.processes import Failure, end_with_parent
from soak.journal import Journal
from soak.plan import ELSEWHERE, ENDPOINTS, FORBIDDEN, FORBIDDEN_ADDRESS, FORBIDDEN_NAME, SECRET, TIMEOUT_S, Manners, Scene

_CONTEXT = multiprocessing.get_context("fork")
_KEY = base64.b64decode(SECRET.removeprefix("whsec_"))
# How old a signature may be when it arrives; Standard Webhooks lets receivers refuse older ones than five minutes.
_TOLERANCE_S = 300


@contextlib.contextmanager
def receivers(path: pathlib.Path, scene: Scene, seed: int) -> Iterator[dict[str, str]]:
    """The URL of each endpoint."""
    receiving, sending = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_serve, args=(path, scene.has_forbidden, seed, sending), daemon=True)
    process.start()
    try:
        if not receiving.poll(10):
            raise Failure("the receivers do not start")
        port = receiving.recv()
        hosts = {name: FORBIDDEN_NAME if name == FORBIDDEN else "127.0.0.1" for name in scene.endpoints}
        yield {name: f"http://{host}:{port}/{name}" for name, host in hosts.items()}
    finally:
        process.kill()
        process.join()


def _serve(path: pathlib.Path, has_forbidden: bool, seed: int, sending: Connection) -> None:
    end_with_parent(signal.SIGKILL)
    chance, journal = random.Random(seed), Journal(path)

    async def serve() -> None:
        server = await asyncio.start_server(lambda r, w: _converse(r, w, chance, journal), "127.0.0.1", 0, backlog=4096)
        port = server.sockets[0].getsockname()[1]
        if has_forbidden:
            await asyncio.start_server(lambda r, w: _trespass(r, w, journal), FORBIDDEN_ADDRESS, port)
        sending.send(port)
        await server.serve_forever()

    asyncio.run(serve())


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random, journal: Journal) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while await _exchange(reader, writer, chance, journal):
            pass
    writer.close()


async def _trespass(_: asyncio.StreamReader, writer: asyncio.StreamWriter, journal: Journal) -> None:
    """Someone has dialled the address that workers may not dial."""
    journal.note("trespassed")
    writer.close()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chance: random.Random, journal: Journal) -> bool:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    endpoint = head[0].split(" ")[1].removeprefix("/")
    request = {"endpoint": endpoint, "id": fields.get("webhook-id", ""), "attempt": int(fields.get("webhook-attempt", "0"))}
    journal.note("received", **request, n=_number(body), sha256=hashlib.sha256(_data(body)).hexdigest(), fault=_fault(fields, body))
    status = await _behave(ENDPOINTS.get(endpoint, Manners()), chance)
    if status is None:
        journal.note("cut", **request)
        writer.transport.abort()
        return False
    location = f"location: /{ELSEWHERE}\r\n" if status == 307 else ""
    writer.write(f"HTTP/1.1 {status} Soak\r\n{location}content-length: 0\r\n\r\n".encode())
    await writer.drain()
    journal.note("answered", **request, status=status)
    return True


async def _behave(manners: Manners, chance: random.Random) -> int | None:
    """The status of the answer; None to cut the connection."""
    drawn = chance.random()
    if drawn < manners.hanging:
        await asyncio.sleep(3 * TIMEOUT_S)
        return None
    if drawn < manners.cutting:
        return None
    if drawn < manners.late:
        await asyncio.sleep(1.5 * TIMEOUT_S)
    elif manners.slow_s:
        await asyncio.sleep(chance.random() * manners.slow_s)
    if drawn < manners.redirecting:
        # With this status a client that follows sends the same request there.
        return 307
    return 500 if drawn < manners.failing else 200


def _number(body: bytes) -> int | None:
    try:
        return int(json.loads(body)["data"]["n"])
    except (ValueError, KeyError, TypeError):
        return None


def _data(body: bytes) -> bytes:
    """The payload within the envelope, byte for byte: it is the last member."""
    return body.partition(b'"data":')[2][:-1]


def _fault(fields: dict[str, str], body: bytes) -> str | None:
    """Why a receiver of Standard Webhooks 1.0.0 would refuse the request."""
    stamp = fields.get("webhook-timestamp", "")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > _TOLERANCE_S:
        return f"timestamp {stamp}"
    signed = f"{fields.get('webhook-id', '')}.{stamp}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(_KEY, signed, hashlib.sha256).digest()).decode()
    return None if wanted in fields.get("webhook-signature", "").split(" ") else "signature"
