"""A worker among endpoints that do their worst, in a sealed network: what it holds stays under named limits, and a healthy endpoint
gets its events as if it were alone."""

import asyncio
import contextlib
import os
import pathlib
import tempfile
import threading
import time
from collections.abc import Iterator

from checks.harness.postgres import Session, postgres
from checks.harness.processes import wait_until
from checks.harness.product import Postrider, Worker, built_executable
from checks.harness.tally import Tally
from checks.hostile.names import SILENCE, Answer, Zone
from checks.hostile.network import sealed_network, seeing
from checks.hostile.outside import Outside, Request, Script

# Deliveries in flight at once, and the bytes of their payloads.
_IN_FLIGHT, _BYTES = 512, 32 << 20
# The bounds of a worker's process: a connection for each of these deliveries, and what it keeps for all else; a session for each loop
# that asks the database.
_MEMORY_MIB, _DESCRIPTORS, _THREADS, _SESSIONS = 200, _IN_FLIGHT + 96, 24, 7
# How many names are answered, how many endpoints hang, and how many of each further kind there are.
_NAMES, _HANGING, _OF_A_KIND = 1_200, 300, 5
# How long an event of the healthy endpoint may take in the middle of all this: less than those that hang take.
_PATIENCE_S = 10.0
# What an endless answer may cost of the network: what it is read to, and what the buffers on the way take.
_READ_MIB = 32


def check(tally: Tally) -> None:
    with sealed_network() as is_sealed:
        if not is_sealed:
            print("skipped: a network in which every address answers takes root")
            return
        told = {"*.silent.example": Answer(code=SILENCE)} | {
            f"n{number}.example": Answer([f"9.{number >> 8 & 255}.{number & 255}.1"]) for number in range(_NAMES)}
        folder = tempfile.TemporaryDirectory()
        with folder as place, Outside(Zone(told), (80,), _SCRIPTS).open() as outside, postgres() as server:
            servers = pathlib.Path(place, "resolv.conf")
            servers.write_text("nameserver 127.0.0.1\n")
            postrider = Postrider(built_executable(), server)
            postrider.environment |= {"POSTRIDER_MAX_IN_FLIGHT": str(_IN_FLIGHT), "POSTRIDER_MAX_IN_FLIGHT_BYTES": str(_BYTES),
                                      "POSTRIDER_DRAIN_TIMEOUT": "1s"}
            postrider.run("migrate")
            with server.session() as session, postrider.worker(within=seeing({"/etc/resolv.conf": servers})) as worker:
                _endpoints(session)
                with _held(worker, server.session()) as held:
                    _publish(session)
                    late = _healthy(session, outside)
                    wait_until("all that answer have their event", lambda: _delivered(session) >= _NAMES - _HANGING, 120, 0.5)
                    for kind, code in _KINDS.items():
                        wait_until(f"{kind} was attempted", lambda: _attempts(session, kind) >= _OF_A_KIND, 60, 0.5)
                        tally.check(f"{kind}: {code or 'delivered'}", _other_codes(session, kind, code))
                tally.check(f"a healthy endpoint beside them waits at most {_PATIENCE_S} s", None if late <= _PATIENCE_S else f"{late:.1f} s")
                _judge(tally, held, outside)
                tally.check("the worker lives", None if worker.process.poll() is None else worker.log.read_text()[-500:])


# MARK: the crowd


def _endpoints(session: Session) -> None:
    register = ("SELECT count(e.*) FROM generate_series({first}, {last}) AS n, LATERAL postrider.register_endpoint("
                "'{kind}-' || n, 'http://n' || n || '{below}.example/{kind}', '{{none}}', timeout => '{timeout}', "
                "retry_schedule => '{{1 h}}') AS e")
    session.rows(register.format(first=0, last=_HANGING - 1, kind="hang", below="", timeout="20 s"))
    session.rows(register.format(first=_HANGING, last=_NAMES - 1, kind="ok", below="", timeout="15 s"))
    for kind in _KINDS:
        below = ".silent" if kind == "silent" else ""
        session.rows(register.format(first=0, last=_OF_A_KIND - 1, kind=kind, below=below, timeout="3 s"))
    session.rows("SELECT postrider.register_endpoint('healthy', 'http://n1.example/healthy', '{healthy}')")


def _publish(session: Session) -> None:
    """One event for each, and for those that hang payloads of more bytes than a worker may hold."""
    session.rows("INSERT INTO postrider.outbox (event_type, payload, endpoint) "
                 "SELECT 'some.event', '{}', name FROM postrider.endpoints WHERE name <> 'healthy' AND name NOT LIKE 'early-%'")
    session.rows("INSERT INTO postrider.outbox (event_type, body, content_type, endpoint) "
                 "SELECT 'some.event', decode(repeat('ff', 262144), 'hex'), 'application/octet-stream', 'hang-' || n "
                 "FROM generate_series(0, %s) AS n", _HANGING - 1)
    session.rows("INSERT INTO postrider.outbox (event_type, body, content_type, endpoint) SELECT 'some.event', decode(repeat('ff', 262144), 'hex'), "
                 "'application/octet-stream', name FROM postrider.endpoints WHERE name LIKE 'early-%'")


def _healthy(session: Session, outside: Outside) -> float:
    """The longest that one of its events takes."""
    longest = 0.0
    for number in range(1, 21):
        began = time.monotonic()
        session.rows("INSERT INTO postrider.outbox (event_type, payload, endpoint) VALUES ('healthy', '{}', 'healthy')")
        wait_until("the healthy endpoint has its event", lambda: _requests(outside, "/healthy") >= number, 30, 0.005)
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.05)
    return longest


def _requests(outside: Outside, path: str) -> int:
    return sum(request.path == path for request in outside.requests[:])


def _delivered(session: Session) -> int:
    return int(session.value("SELECT count(*) FROM postrider.attempts a JOIN postrider.endpoints e ON e.id = a.endpoint_id "
                             "WHERE e.name LIKE 'ok-%' AND a.http_status = 200"))


def _attempts(session: Session, kind: str) -> int:
    return int(session.value("SELECT count(*) FROM postrider.attempt_log WHERE endpoint LIKE %s", f"{kind}-%"))


def _other_codes(session: Session, kind: str, code: str | None) -> str:
    rows = session.rows("SELECT DISTINCT error_code FROM postrider.attempt_log WHERE endpoint LIKE %s AND error_code IS DISTINCT FROM %s",
                        f"{kind}-%", code)
    return ", ".join(str(row[0]) for row in rows)


# MARK: what the worker holds


class _Held:
    """The most that was seen of each."""

    descriptors = threads = sessions = memory_mib = 0


@contextlib.contextmanager
def _held(worker: Worker, session: Session) -> Iterator[_Held]:
    held, ended = _Held(), threading.Event()

    def look() -> None:
        while not ended.wait(0.1):
            status = dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{worker.pid}/status").read_text().splitlines())
            held.threads = max(held.threads, int(status["Threads"]))
            held.memory_mib = int(status["VmHWM"].split()[0]) // 1024
            held.descriptors = max(held.descriptors, len(os.listdir(f"/proc/{worker.pid}/fd")))
            sessions = session.value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'postrider%'")
            held.sessions = max(held.sessions, sessions)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        with session:
            yield held
            ended.set()
            looking.join()
    finally:
        ended.set()


def _judge(tally: Tally, held: _Held, outside: Outside) -> None:
    for what, value, limit in (
            ("memory in MiB", held.memory_mib, _MEMORY_MIB), ("descriptors", held.descriptors, _DESCRIPTORS),
            ("threads", held.threads, _THREADS), ("database sessions", held.sessions, _SESSIONS)):
        print(f"{what}: at most {value}, limit {limit}")
        tally.check(f"{what} stay within {limit}", None if 0 < value <= limit else f"there were {value}")
    most = max(_SENT.values(), default=0) >> 20
    print(f"of an endless answer at most {most} MiB were taken")
    tally.check(f"of an endless answer at most {_READ_MIB} MiB are read", None if _SENT and most <= _READ_MIB else f"{most} MiB were")


# MARK: what the receivers answer

_OK = b"HTTP/1.1 200 OK\r\n"
# How many bytes each endless answer got rid of.
_SENT: dict[int, int] = {}


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> None:
    await reader.read(1)


def _endless(head: bytes, piece: bytes) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> None:
        writer.write(head)
        place = len(_SENT)
        _SENT[place] = 0
        while True:
            writer.write(piece)
            await writer.drain()
            _SENT[place] += len(piece)

    return script


def _early(answer: bytes) -> Script:
    """The answer comes, and the rest of the request is never read: what ends such a connection is a reset."""
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    return script


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X")
        await writer.drain()
        await asyncio.sleep(0.05)


_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_SCRIPTS: dict[str, Script] = {
    "hang": _hang,
    "drip": _drip,
    "early-whole": _early(_OK + b"Content-Length: 2\r\n\r\nok"),
    "early-error": _early(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"),
    "early-half": _early(_OK + b"X-Header: x"),
    "body": _endless(_OK + b"\r\n", b"x" * 65_536),
    "chunks": _endless(_CHUNKED, b"8000\r\n" + b"x" * 32_768 + b"\r\n"),
    "small-chunks": _endless(_CHUNKED, b"1\r\nx\r\n" * 8_192),
    "chunk-extension": _endless(_CHUNKED + b"1;", b"x" * 65_536),
    "trailers": _endless(_CHUNKED + b"0\r\n", b"X-Trailer: x\r\n" * 4_096),
    "headers": _endless(_OK, b"X-Header: x\r\n" * 4_096),
    "one-header": _endless(_OK + b"X-Header: ", b"x" * 65_536),
    "status-line": _endless(b"HTTP/1.1 200 ", b"x" * 65_536),
    "continue": _endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_024),
    "hints": _endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 1_024),
    "location": _endless(b"HTTP/1.1 302 Found\r\nLocation: http://9.9.9.9/", b"x" * 65_536),
}
# The code that each kind's attempts end with; None for delivered.
_KINDS: dict[str, str | None] = {
    "silent": "dns_failure", "drip": "timeout", "early-whole": None, "early-error": "http_status", "early-half": "connection_reset", "body": None, "chunks": None, "small-chunks": None, "chunk-extension": None, "trailers": None,
    "headers": "response_too_large", "one-header": "response_too_large", "status-line": "response_too_large",
    "continue": "response_too_large", "hints": "response_too_large", "location": "response_too_large",
}
