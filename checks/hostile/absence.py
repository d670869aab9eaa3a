"""A database that is away: a worker that waits for it writes few lines, uses next to no processor time, and goes on where it was, with
no more descriptors than before."""

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import signal
import threading
import time
from collections.abc import Callable, Iterator

from checks.harness.postgres import Postgres, Session, postgres
from checks.harness.processes import free_port, wait_until
from checks.harness.product import Postrider, Worker, built_executable
from checks.harness.tally import Tally
from checks.hostile.outside import Outside, Request

# A short absence stands for an hour: the first seconds are the loudest, as pauses only grow.
_AWAY_S = 4.0
# What a worker may write in them, and which part of a core it may use: one that spins takes what it can get.
_LINES, _SHARE = 60, 0.2
# Deliveries whose answers come while the database is away, so that their outcomes wait.
_IN_FLIGHT = 200
# A connection for each of them, which is kept, and what the worker reserves for all else.
_DESCRIPTORS = _IN_FLIGHT + 48


@dataclasses.dataclass(frozen=True)
class Absence:
    title: str
    keep: Callable[[Postgres], contextlib.AbstractContextManager[None]]


def check(tally: Tally) -> None:
    port = free_port()
    with Outside(None, (port,), {"late": _late}).open() as outside, postgres(log_min_messages="panic") as server:
        postrider = Postrider(built_executable(), server)
        postrider.run("migrate")
        with server.session() as session:
            session.rows(f"SELECT postrider.register_endpoint('late', 'http://127.0.0.1:{port}/late')")
        with postrider.worker() as worker:
            for number, absence in enumerate(_ABSENCES, 1):
                _go_through(tally, absence, server, outside, worker, number)
            tally.check("the worker lives", None if worker.process.poll() is None else worker.log.read_text()[-500:])


def _go_through(tally: Tally, absence: Absence, server: Postgres, outside: Outside, worker: Worker, number: int) -> None:
    with server.session() as session:
        session.rows(f"INSERT INTO postrider.outbox (event_type, payload) SELECT 'late.event', '{{}}' FROM generate_series(1, {_IN_FLIGHT})")
    wait_until("all are sent", lambda: len(outside.requests) >= number * _IN_FLIGHT, 30)
    with absence.keep(server):
        lines, used = _lines(worker), processor_s(worker.pid)
        time.sleep(_AWAY_S)
        lines, used = _lines(worker) - lines, processor_s(worker.pid) - used
        print(f"{absence.title}: {lines} lines, {used:.2f} s of processor time in {_AWAY_S:.0f} s")
    tally.check(f"{absence.title}: at most {_LINES} lines", None if lines <= _LINES else f"{lines}: {worker.log.read_text()[-2_000:]}")
    tally.check(f"{absence.title}: at most {_SHARE:.0%} of a core", None if used <= _SHARE * _AWAY_S else f"{used:.2f} s")
    with server.session() as session:
        wait_until("all are recorded", lambda: session.value(
            "SELECT count(*) FROM postrider.attempt_log WHERE outcome = 'delivered'") == number * _IN_FLIGHT, 30, 0.1)
    held = len(os.listdir(f"/proc/{worker.pid}/fd"))
    print(f"{absence.title}: {held} descriptors afterwards")
    tally.check(f"{absence.title}: no descriptor is left over", None if held <= _DESCRIPTORS else f"{held} of {_DESCRIPTORS}")
    tally.check(f"{absence.title}: nothing is sent again",
                None if len(outside.requests) == number * _IN_FLIGHT else f"{len(outside.requests)} requests")


def _lines(worker: Worker) -> int:
    return len(worker.log.read_text().splitlines())


def processor_s(process: int) -> float:
    """How much processor time it has used so far."""
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> None:
    await asyncio.sleep(1)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


# MARK: how a database is away


@contextlib.contextmanager
def _silent(server: Postgres) -> Iterator[None]:
    """Every process of it is stopped: what is asked gets no answer, and no connection comes about."""
    processes = [server.pid, *_children(server.pid)]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


@contextlib.contextmanager
def _refusing(server: Postgres) -> Iterator[None]:
    """It ends every session and takes no more: each attempt is answered at once."""
    with server.session(database="template1") as session:
        session.rows("ALTER DATABASE postgres ALLOW_CONNECTIONS false")
        _end_sessions(session)
        try:
            yield
        finally:
            session.rows("ALTER DATABASE postgres ALLOW_CONNECTIONS true")


@contextlib.contextmanager
def _unreachable(server: Postgres) -> Iterator[None]:
    """Its socket is gone, so that no connection can be tried, and its sessions end."""
    path = server.root / ".s.PGSQL.5432"
    with server.session(database="template1") as session:
        path.rename(server.root / "elsewhere")
        _end_sessions(session)
        try:
            yield
        finally:
            (server.root / "elsewhere").rename(path)


@contextlib.contextmanager
def _fickle(server: Postgres) -> Iterator[None]:
    """It takes every connection, and ends it soon after."""
    with server.session(database="template1") as session:
        ended = threading.Event()

        def end_again_and_again() -> None:
            while not ended.wait(0.1):
                _end_sessions(session)

        ending = threading.Thread(target=end_again_and_again)
        ending.start()
        try:
            yield
        finally:
            ended.set()
            ending.join()


def _end_sessions(session: Session) -> None:
    session.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres'")


def _children(process: int) -> list[int]:
    return [int(child) for child in pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()]


_ABSENCES = (
    Absence("a silent database", _silent), Absence("a database that refuses", _refusing),
    Absence("a database without a socket", _unreachable), Absence("a database that ends every session", _fickle),
)
