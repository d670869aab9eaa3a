"""Senders that mean ill cost honest ones little, and PostgreSQL nothing: silent connections, floods of bad signatures, bodies without end."""

import contextlib
import socket
import statistics
import threading
import time

from checks.harness.postgres import Postgres
from checks.harness.tally import Tally
from checks.receiving.client import Client

HONEST = 300
# The scene inbox-floods of bench/ judges times, with a release build.
SILENT = 5_000
MOST_MEMORY_MB = 150


def check(host: str, port: int, pid: int, server: Postgres, tally: Tally) -> None:
    with server.session() as session:
        session.rows("SELECT postrider.add_source('honest', 'bearer', ARRAY['a-token'])")
        # What its requests prove is known when their bodies are there, not before.
        session.rows("SELECT postrider.add_source('signed', 'github', ARRAY['a-secret'])")
    time.sleep(2)
    quiet = _honest(host, port, "quiet", tally)
    for name, attack in (("silent connections", _silent), ("bad signatures", _forged), ("bodies without end", _endless)):
        stop = threading.Event()
        attackers = [threading.Thread(target=attack, args=(host, port, stop), daemon=True) for _ in range(4)]
        for attacker in attackers:
            attacker.start()
        time.sleep(1)
        under = _honest(host, port, name, tally)
        print(f"        {name}: p50 {under[0]:.1f} ms, p99 {under[1]:.1f} ms; quiet {quiet[0]:.1f} and {quiet[1]:.1f} ms", flush=True)
        stop.set()
        for attacker in attackers:
            attacker.join()
    memory = _peak_memory_mb(pid)
    tally.check(f"memory stays below {MOST_MEMORY_MB} MB", None if memory < MOST_MEMORY_MB else f"{memory} MB")
    with server.session() as session:
        count = session.value("SELECT count(*) FROM postrider.inbox WHERE source = 'honest'")
        tally.check("PostgreSQL sees the honest ones alone", None if count == 4 * HONEST else f"{count} rows")


def _honest(host: str, port: int, name: str, tally: Tally) -> tuple[float, float]:
    """Sends requests one after the other; how long they took in the middle, and the slowest hundredth, in milliseconds."""
    client, times, refused = Client(host, port), [], 0
    for number in range(HONEST):
        began = time.monotonic()
        status, _ = client.post("honest", {"Authorization": "Bearer a-token"}, f"{name} {number}".encode())
        times.append((time.monotonic() - began) * 1_000)
        refused += status != 200
    client.close()
    tally.check(f"{name}: {HONEST} honest requests are stored", None if not refused else f"{refused} are not")
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


def _silent(host: str, port: int, stop: threading.Event) -> None:
    """Opens connections, each with the beginning of a head, and opens those again that were ended."""
    held: list[socket.socket] = []
    while not stop.is_set():
        with contextlib.suppress(OSError):
            held.append(socket.create_connection((host, port), timeout=1))
            held[-1].sendall(b"POST /in/honest HTTP/1.1\r\nHost: x\r\n")
        if len(held) > SILENT // 4:
            held.pop(0).close()
    for connection in held:
        connection.close()


def _forged(host: str, port: int, stop: threading.Event) -> None:
    client = Client(host, port)
    while not stop.is_set():
        with contextlib.suppress(Exception):
            client.post("honest", {"Authorization": "Bearer wrong"}, b"x" * 1_000)
    client.close()


def _endless(host: str, port: int, stop: threading.Event) -> None:
    """Sends a gigabyte in chunks, as far as it is taken."""
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    while not stop.is_set():
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1) as connection:
            proof = b"X-Hub-Signature-256: sha256=" + b"0" * 64
            connection.sendall(b"POST /in/signed HTTP/1.1\r\nHost: x\r\n" + proof + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(16_384):
                if stop.is_set():
                    break
                connection.sendall(chunk)


def _peak_memory_mb(pid: int) -> int:
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) // 1_024 for line in status if line.startswith("VmHWM"))
