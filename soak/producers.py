"""Producers: each makes a business change and an event in one transaction, and notes what it meant and what it was told."""

import contextlib
import hashlib
import json
import multiprocessing
import multiprocessing.sharedctypes
import pathlib
import random
import signal
import time
from collections.abc import Iterator

import psycopg

from checks.harness.processes import end_with_parent
from soak.journal import Journal
from soak.plan import PAYLOAD_CANARY, Scene

_CONTEXT = multiprocessing.get_context("fork")
# Numbers of one producer never meet those of another.
_STRIDE = 10_000_000
KEYS = 40
# How long a slow transaction stays open after its insert: longer than an idle worker waits between two looks.
_OPEN_S = (0.3, 0.5)


@contextlib.contextmanager
def producers(scene: Scene, url: str, folder: pathlib.Path, seed: int) -> Iterator[None]:
    """They produce for as long as the context lasts."""
    stop = multiprocessing.sharedctypes.RawValue("b", 0)
    processes = [
        _CONTEXT.Process(target=_produce, args=(number, scene, url, folder / f"producer-{number}.jsonl", seed, stop), daemon=True)
        for number in range(scene.producers)
    ]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        stop.value = 1
        for process in processes:
            process.join(20)
            if process.is_alive():
                process.kill()


def _produce(number: int, scene: Scene, url: str, path: pathlib.Path, seed: int, stop: "multiprocessing.sharedctypes.Synchronized[int]") -> None:
    end_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    journal, chance = Journal(path), random.Random(seed * 1000 + number)
    sequence, connection = number * _STRIDE, None
    while not stop.value:
        began = time.monotonic()
        sequence += 1
        try:
            if connection is None:
                connection = psycopg.connect(url, connect_timeout=3, options="-c statement_timeout=20s")
            _transact(connection, url if chance.random() < scene.slow_commits else None, number, sequence, chance, journal)
        except psycopg.Error as error:
            journal.note("unknown", n=sequence, error=str(error).split("\n")[0], sqlstate=error.sqlstate)
            if connection is not None:
                connection.close()
            connection = None
            time.sleep(0.1)
        waited = time.monotonic() - began
        if waited < 1 / scene.rate:
            time.sleep(1 / scene.rate - waited)


def _transact(
    connection: "psycopg.Connection[tuple[object, ...]]", other: str | None, number: int, n: int, chance: random.Random, journal: Journal,
) -> None:
    """With `other` it stays open for a while, and a transaction of another session that began later ends before it."""
    payload = json.dumps({"n": n, "note": PAYLOAD_CANARY, "fill": "ä" * chance.randrange(0, 200)}, ensure_ascii=chance.random() < 0.5)
    key = f"key-{number}-{chance.randrange(KEYS)}" if chance.random() < 0.5 else None
    journal.note("meant", n=n, key=key, sha256=hashlib.sha256(payload.encode()).hexdigest())
    began = time.monotonic()
    connection.execute("INSERT INTO business (n) VALUES (%s)", (n,))
    connection.execute(
        "INSERT INTO postrider.outbox (event_type, payload, ordering_key, idempotency_key) VALUES ('soak.event', %s::json, %s, %s)",
        (payload, key, f"once-{n}" if chance.random() < 0.1 else None))
    if other is not None:
        with psycopg.connect(other, autocommit=True, connect_timeout=3) as later:
            later.execute("SELECT pg_current_xact_id()")
        time.sleep(chance.uniform(*_OPEN_S))
    if chance.random() < 0.1:
        connection.rollback()
        journal.note("rolled_back", n=n)
    else:
        connection.commit()
        journal.note("committed", n=n, waited_s=round(time.monotonic() - began, 3))
