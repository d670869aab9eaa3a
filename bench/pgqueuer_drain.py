"""Empties a queue of PgQueuer by HTTP: `python -m bench.pgqueuer_drain DATABASE URL EVENTS BYTES BATCH [uvloop]`.

A process of its own, so that it costs only itself. Prints JSON. Tables are as PgQueuer makes them by default: durable.
"""

import asyncio
import importlib.metadata
import json
import resource
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp
import asyncpg  # type: ignore[import-untyped]
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

CHUNK = 1000


async def main(database: str, url: str, events: int, payload_bytes: int, batch: int) -> None:
    connection = await asyncpg.connect(database)
    queries = Queries(AsyncpgDriver(connection))
    await queries.install()
    for first in range(0, events, CHUNK):
        count = min(CHUNK, events - first)
        await queries.enqueue(["send"] * count, [b"x" * payload_bytes] * count, [0] * count)
    await connection.execute("VACUUM ANALYZE")

    queue = PgQueuer(AsyncpgDriver(connection))
    async with aiohttp.ClientSession() as session:

        @queue.entrypoint("send")
        async def send(job: Job) -> None:
            async with session.post(url, data=job.payload, headers={"content-type": "application/json"}) as answer:
                answer.raise_for_status()

        began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
        await queue.qm.run(batch_size=batch, mode=QueueExecutionMode.drain)
        seconds, now = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu_seconds": now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime,
                "versions": f"PgQueuer {importlib.metadata.version('pgqueuer')}, asyncpg {asyncpg.__version__}, aiohttp "
                f"{aiohttp.__version__}",
            }
        )
    )


if __name__ == "__main__":
    run: Callable[[Coroutine[Any, Any, None]], None] = uvloop.run if sys.argv[6:] == ["uvloop"] else asyncio.run
    run(main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])))
