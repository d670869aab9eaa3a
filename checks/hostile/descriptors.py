"""A worker that may have few descriptors, among receivers that take two for each delivery: it keeps some for itself, healthy endpoints get
their events, and what it lacks counts against no receiver."""

import asyncio
import contextlib
import os
import pathlib
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator

from checks.harness.postgres import Session, postgres
from checks.harness.processes import Failure, wait_until
from checks.harness.product import Postrider, Worker, built_executable
from checks.harness.tally import Tally
from checks.hostile.names import Answer, Zone
from checks.hostile.network import sealed_network, seeing
from checks.hostile.outside import Outside, Request

# What a shell gives where no one has set more, soft and hard.
_DESCRIPTORS = 1024
# Endpoints whose connections never come about, over two families at once, and endpoints that never answer.
_HOLES, _HANGING = 450, 150
# So many of the former share a name: look-ups are not what this is about.
_SHARING = 10
# More is held than one descriptor for each delivery of the first wave: otherwise nothing was pressing.
_PRESSING = 700
_HOLE_PORT = 8081
# How long an event of the healthy endpoint may take: less than those that hang take.
_PATIENCE_S = 4.0


def check(tally: Tally) -> None:
    with sealed_network() as is_sealed:
        if not is_sealed:
            print("skipped: a network in which every address answers takes root")
            return
        told: dict[str, Answer | list[Answer]] = {
            f"n{number}.example": Answer([f"9.9.{number}.1", f"2606:4700::{number:x}"]) for number in range(_HOLES // _SHARING)}
        folder = tempfile.TemporaryDirectory()
        with folder as place, _hole(), Outside(Zone(told), (80,), {"hang": _hang}).open() as outside, postgres() as server:
            servers = pathlib.Path(place, "resolv.conf")
            servers.write_text("nameserver 127.0.0.1\n")
            postrider = Postrider(built_executable(), server)
            postrider.environment["POSTRIDER_DRAIN_TIMEOUT"] = "1s"
            postrider.run("migrate")
            with server.session() as session, postrider.worker(within=[*_limited(), *seeing({"/etc/resolv.conf": servers})]) as worker:
                _endpoints(session)
                _healthy(session, outside, 1)
                with _most_descriptors(worker) as most:
                    _publish(session)
                    late = _healthy(session, outside, 20)
                    wait_until("every endpoint was attempted", lambda: _attempted(session) == _HOLES + _HANGING, 60, 0.5)
                print(f"at most {most[0]} descriptors of {_DESCRIPTORS}; an event of the healthy endpoint took {late:.2f} s at most")
                tally.check(f"{_HOLES + _HANGING} bad endpoints with {_DESCRIPTORS} descriptors: as many are used as may be",
                            None if _PRESSING <= most[0] < _DESCRIPTORS else f"{most[0]} were")
                tally.check(f"a healthy endpoint beside them waits at most {_PATIENCE_S} s", None if late <= _PATIENCE_S else f"{late:.1f} s")
                tally.check("no receiver is blamed for what the worker lacks", _other_codes(session))
                tally.check("the worker lives", None if worker.process.poll() is None else worker.log.read_text()[-500:])


def _limited() -> list[str]:
    prlimit = shutil.which("prlimit")
    if prlimit is None:
        raise Failure("there is no prlimit; on Debian: apt-get install util-linux")
    return [prlimit, f"--nofile={_DESCRIPTORS}:{_DESCRIPTORS}"]


def _endpoints(session: Session) -> None:
    register = ("SELECT count(e.*) FROM generate_series(0, {last}) AS n, LATERAL postrider.register_endpoint("
                "'{kind}-' || n, {url}, '{{none}}', timeout => '6 s', retry_schedule => '{{1 h}}') AS e")
    hole = f"format('http://n%s.example:{_HOLE_PORT}/', n / {_SHARING})"
    session.rows(register.format(last=_HOLES - 1, kind="hole", url=hole))
    session.rows(register.format(last=_HANGING - 1, kind="hang", url="format('http://9.8.%s.1/hang', n)"))
    session.rows("SELECT postrider.register_endpoint('healthy', 'http://9.8.8.8/healthy', '{healthy}')")


def _publish(session: Session) -> None:
    for kind in ("hole", "hang"):
        session.rows("INSERT INTO postrider.outbox (event_type, payload, endpoint) "
                     "SELECT 'some.event', '{}', name FROM postrider.endpoints WHERE name LIKE %s", f"{kind}-%")


def _healthy(session: Session, outside: Outside, count: int) -> float:
    """The longest that one of its events takes."""
    longest = 0.0
    for _ in range(count):
        began, before = time.monotonic(), _arrived(outside)
        session.rows("INSERT INTO postrider.outbox (event_type, payload, endpoint) VALUES ('healthy', '{}', 'healthy')")
        wait_until("the healthy endpoint has its event", lambda: _arrived(outside) > before, 30, 0.005)
        longest = max(longest, time.monotonic() - began)
        time.sleep(0.2)
    return longest


def _arrived(outside: Outside) -> int:
    return sum(request.path == "/healthy" for request in outside.requests[:])


def _attempted(session: Session) -> int:
    return int(session.value("SELECT count(*) FROM postrider.attempt_log WHERE endpoint <> 'healthy'"))


def _other_codes(session: Session) -> str:
    rows = session.rows(
        "SELECT DISTINCT endpoint, error_code, error FROM postrider.attempt_log WHERE endpoint <> 'healthy' "
        "AND (error_code, split_part(endpoint, '-', 1)) NOT IN (('connect_timeout', 'hole'), ('timeout', 'hang')) LIMIT 5")
    return "\n".join(str(row) for row in rows)


@contextlib.contextmanager
def _most_descriptors(worker: Worker) -> Iterator[list[int]]:
    most, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            with contextlib.suppress(FileNotFoundError):
                most[0] = max(most[0], len(os.listdir(f"/proc/{worker.pid}/fd")))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        ended.set()
        looking.join()


@contextlib.contextmanager
def _hole() -> Iterator[None]:
    """A port at which no connection comes about: the queue of those that wait is full, and the kernel says nothing to more."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("::", _HOLE_PORT), family=socket.AF_INET6, dualstack_ipv6=True, backlog=0))
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")) * 2:
            waiting = stack.enter_context(socket.socket(family))
            waiting.setblocking(False)
            waiting.connect_ex((address, listener.getsockname()[1]))
        yield


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> None:
    await reader.read(1)
