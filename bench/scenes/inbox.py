"""Signed requests that others send: how many are stored and answered in a second, beside FastAPI with asyncpg doing the same."""

import contextlib
import importlib.metadata
import pathlib
import tempfile
from collections.abc import Callable

from bench.findings import Findings
from bench.inbox.requests import signed, write
from bench.inbox.sender import sender
from bench.inbox.serving import Serving, fastapi, postrider
from bench.scene import Bars, Scene
from bench.stage import Stage
from bench.statistics import median
from bench.usage import Meter, peak_memory_mib
from checks.harness.processes import Failure

CONNECTIONS, TURNS, PATIENCE_S = 64, 3, 300
WARM_UP = 2_000
MOST_MEMORY_MIB, LEAST_RATIO = 150, 5

Server = Callable[[], contextlib.AbstractContextManager[Serving]]


def measure(stage: Stage) -> Findings:
    """In turns, so that what else the machine does meets all of them alike."""
    findings, rounds = Findings(), 1 if stage.is_quick else TURNS
    servers: dict[str, tuple[str, int, Server]] = {
        "postrider": ("Postrider", 30_000 if stage.is_quick else 100_000, lambda: postrider(stage)),
        "fastapi_1": ("FastAPI, one process", 5_000 if stage.is_quick else 20_000, lambda: fastapi(stage, 1)),
        "fastapi_2": ("FastAPI, two processes", 5_000 if stage.is_quick else 20_000, lambda: fastapi(stage, 2)),
    }
    turns: dict[str, list[Findings]] = {}
    with tempfile.TemporaryDirectory(prefix="postrider-bench-inbox-") as folder:
        for turn in range(rounds):
            for key, (title, count, server) in list(servers.items()):
                stage.say(f"{title}, {count:,} requests, turn {turn + 1}")
                try:
                    turns.setdefault(key, []).append(_one(key, title, count, server, pathlib.Path(folder)))
                except Failure as failure:
                    if key == "postrider":
                        raise
                    findings.notes.append(f"{title} could not be measured: {failure}")
                    del servers[key]
    _sum_up(turns, findings)
    return findings


def _one(key: str, title: str, count: int, server: Server, folder: pathlib.Path) -> Findings:
    found = Findings()
    with server() as serving:
        # Signed now: they are good for five minutes.
        warming = write(folder / "warming", (signed(number) for number in range(WARM_UP)))
        measured = write(folder / "measured", (signed(WARM_UP + number) for number in range(count)))
        with sender(serving.port, "send", warming, CONNECTIONS, WARM_UP) as warm_up:
            warm_up.result(PATIENCE_S)
        meter = Meter(server=serving.pid, postgres=serving.database.pid)
        with sender(serving.port, "send", measured, CONNECTIONS, count) as running:
            sent = running.result(PATIENCE_S)
        spent = meter.seconds()
        stored = serving.stored()
        memory = peak_memory_mib(serving.pid)
    found.add(f"{key}_per_second", f"{title}: requests a second", count / sent.seconds)
    found.add(f"{key}_server_cpu_us", "… CPU of the server, a request", spent["server"] / count * 1e6, "µs")
    found.add(f"{key}_postgres_cpu_us", "… CPU of PostgreSQL, a request", spent["postgres"] / count * 1e6, "µs")
    found.add(f"{key}_sender_cpu_us", "… CPU of the sender, a request", sent.cpu_seconds / count * 1e6, "µs")
    found.add_waits(key, f"{title}, to the answer", [wait / 1000 for wait in sent.waits_ms], with_maximum=False)
    if key == "postrider":
        found.add("peak_memory_mib", f"{title}: peak memory", memory, "MiB")
        if memory >= MOST_MEMORY_MIB:
            found.faults.append(f"it held {memory:.0f} MiB")
    if sent.statuses != {"200": count} or stored != count + WARM_UP:
        found.faults.append(f"{title}: answers {sent.statuses} for {count} requests, {stored - WARM_UP} stored")
    return found


def _sum_up(turns: dict[str, list[Findings]], findings: Findings) -> None:
    for rounds in turns.values():
        for figure in rounds[-1].figures:
            findings.add(figure.key, figure.title, median([one.value(figure.key) for one in rounds]), figure.unit)
        findings.curves |= rounds[-1].curves
        findings.faults += [fault for one in rounds for fault in one.faults]
    ratios = [_ratio(turns, turn) for turn in range(len(turns["postrider"]))]
    ratio = median(ratios)
    findings.add("ratio", f"Postrider to the better FastAPI, median of {len(ratios)} turns", ratio, "×")
    if ratio is not None and ratio < LEAST_RATIO:
        findings.faults.append(f"it stores {ratio:.1f} times what FastAPI does, not {LEAST_RATIO}")
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("fastapi", "uvicorn", "uvloop", "asyncpg"))
        findings.notes.append(f"Beside {versions}: one statement a request into one table with a unique key.")


def _ratio(turns: dict[str, list[Findings]], turn: int) -> float | None:
    """Of one turn, to what was fastest beside it."""
    ours = turns["postrider"][turn].value("postrider_per_second")
    others = [
        value
        for key in ("fastapi_1", "fastapi_2")
        if turn < len(turns.get(key, [])) and (value := turns[key][turn].value(f"{key}_per_second"))
    ]
    return ours / max(others) if ours and others else None


SCENE = Scene(
    "inbox",
    "Inbox",
    f"Requests of 500 bytes, signed by Standard Webhooks, each with an id of its own, over {CONNECTIONS} kept connections to `postrider serve`: "
    "verified, committed, answered. Beside it FastAPI with asyncpg (uvicorn, uvloop, httptools), which verifies, inserts `ON CONFLICT` "
    "and answers after the commit. The sender is one thread of a compiled program, the same for all; it, the server and PostgreSQL with its "
    "default durability share the cores.",
    110,
    measure,
    pictures=(
        Bars(
            "Requests a second",
            "",
            (
                ("Postrider", "postrider_per_second"),
                ("FastAPI, one process", "fastapi_1_per_second"),
                ("FastAPI, two processes", "fastapi_2_per_second"),
            ),
        ),
        Bars(
            "CPU of server and PostgreSQL a request",
            "µs",
            (
                ("Postrider", "postrider_server_cpu_us"),
                ("its PostgreSQL", "postrider_postgres_cpu_us"),
                ("FastAPI, one process", "fastapi_1_server_cpu_us"),
                ("its PostgreSQL", "fastapi_1_postgres_cpu_us"),
            ),
        ),
    ),
)
