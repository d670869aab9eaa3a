"""What the witnesses say: the journals, and what the database holds at the end."""

import dataclasses
import pathlib
from typing import Any

import psycopg

from soak import journal
from soak.fleet import log_lines
from soak.plan import Scene

Delivery = tuple[int, str]


@dataclasses.dataclass
class Request:
    """One request that an endpoint received; `answered` is when its answer was written, with `status`."""

    endpoint: str
    id: str
    attempt: int
    n: int | None
    sha256: str
    fault: str | None
    at: float
    answered: float | None = None
    status: int | None = None


@dataclasses.dataclass(frozen=True)
class Attempt:
    """A row of `attempt_log`. Times are seconds since 1970 by the database's record."""

    outcome: str
    error_code: str | None
    started: float
    ended: float


@dataclasses.dataclass(frozen=True)
class Span:
    """A fault and how long it lasted, by CLOCK_MONOTONIC."""

    name: str
    began: float
    ended: float


@dataclasses.dataclass
class Evidence:
    scene: Scene = dataclasses.field(default_factory=Scene)
    meant: dict[int, dict[str, Any]] = dataclasses.field(default_factory=dict)
    committed: set[int] = dataclasses.field(default_factory=set)
    # When the producers were told so.
    committed_at: dict[int, float] = dataclasses.field(default_factory=dict)
    rolled_back: set[int] = dataclasses.field(default_factory=set)
    # The numbers whose transaction is there at the end.
    kept: set[int] = dataclasses.field(default_factory=set)
    requests: list[Request] = dataclasses.field(default_factory=list)
    # By number and endpoint: the state at the end.
    states: dict[Delivery, tuple[str, int]] = dataclasses.field(default_factory=dict)
    # By number and endpoint: the attempts that are recorded.
    attempts: dict[Delivery, dict[int, Attempt]] = dataclasses.field(default_factory=dict)
    faults: list[Span] = dataclasses.field(default_factory=list)
    looks: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    logs: dict[int, list[dict[str, object]]] = dataclasses.field(default_factory=dict)
    shown: dict[str, str] = dataclasses.field(default_factory=dict)
    # Connections to an address that may not be dialled.
    trespasses: int = 0
    deadlocks: list[str] = dataclasses.field(default_factory=list)
    unaccounted: int = 0
    lasted_s: float = 0
    fail_overs: int = 0

    @property
    def may_lose(self) -> bool:
        """Whether what was committed may be gone, and with it what was known of tokens and ends."""
        return self.fail_overs > 0 and not self.scene.is_synchronous


def collect(folder: pathlib.Path, connection: "psycopg.Connection[tuple[Any, ...]]", scene: Scene) -> Evidence:
    found = Evidence(scene)
    for path in sorted(folder.glob("producer-*.jsonl")):
        for line in journal.read(path):
            if line["what"] == "meant":
                found.meant[line["n"]] = line
            elif line["what"] == "committed":
                found.committed.add(line["n"])
                found.committed_at[line["n"]] = line["t"]
            elif line["what"] == "rolled_back":
                found.rolled_back.add(line["n"])
    _requests(folder, found)
    _chaos(folder, found)
    _database(connection, found)
    found.logs = {number: list(log_lines(folder / f"worker-{number}.log")) for number in range(scene.workers)}
    for log in sorted(folder.glob("*/server.log")):
        found.deadlocks += [line for line in log.read_text(errors="replace").splitlines() if "deadlock detected" in line]
    return found


def _requests(folder: pathlib.Path, found: Evidence) -> None:
    open_requests: dict[tuple[str, str, int], Request] = {}
    for line in journal.read(folder / "receivers.jsonl"):
        if line["what"] == "trespassed":
            found.trespasses += 1
            continue
        token = (line["endpoint"], line["id"], line["attempt"])
        if line["what"] == "received":
            request = Request(*token, line["n"], line["sha256"], line["fault"], line["t"])
            open_requests[token] = request
            found.requests.append(request)
        elif line["what"] == "answered" and token in open_requests:
            open_requests[token].answered, open_requests[token].status = line["t"], line["status"]


def _chaos(folder: pathlib.Path, found: Evidence) -> None:
    began: dict[object, tuple[str, float]] = {}
    first = last = 0.0
    for line in journal.read(folder / "chaos.jsonl"):
        first, last = first or line["t"], line["t"]
        match line["what"]:
            case "fault":
                began[line["number"]] = (line["name"], line["t"])
            case "healed":
                name, since = began.pop(line["number"])
                found.faults.append(Span(name, since, line["t"]))
                found.fail_overs += name == "fail_over"
            case "suspended":
                began[line["pid"]] = ("suspended", line["t"])
            case "resumed":
                found.faults.append(Span("suspended", began.pop(line["pid"])[1], line["t"]))
            case "killed" | "crashed":
                found.faults.append(Span(line["what"], line["t"], line["t"]))
            case _:
                # One that ended without 0 may have given up outcomes.
                if line["what"] == "drained" and line["status"] != 0:
                    found.faults.append(Span("drain_failed", line["t"] - line["took_s"], line["t"]))
                found.looks.append(line)
    found.lasted_s = last - first


def _database(connection: "psycopg.Connection[tuple[Any, ...]]", found: Evidence) -> None:
    found.kept = {int(row[0]) for row in connection.execute("SELECT n FROM business")}
    numbers = {int(row[0]): int(row[1]) for row in connection.execute("SELECT id, (payload::jsonb ->> 'n')::bigint FROM postrider.outbox")}
    for event, endpoint, status, attempts in connection.execute(
            "SELECT event_id, endpoint, status, attempts FROM postrider.event_deliveries WHERE endpoint IS NOT NULL"):
        if event in numbers:
            found.states[numbers[event], endpoint] = (status, attempts)
    for event, endpoint, attempt, outcome, code, started, duration_ms in connection.execute(
            "SELECT event_id, endpoint, attempt, outcome, error_code, extract(epoch FROM started_at)::float8, duration_ms::float8"
            " FROM postrider.attempt_log"):
        if event in numbers:
            rows = found.attempts.setdefault((numbers[event], endpoint), {})
            if outcome == "stale" and attempt in rows:
                continue  # After a fail-over a token may be given away twice; the one that counts is looked at.
            rows[attempt] = Attempt(outcome, code, started, started + (duration_ms or 0) / 1000)
    row = connection.execute("SELECT count(*) FROM postrider.unaccounted").fetchone()
    found.unaccounted = int(row[0]) if row else 0
    row = connection.execute(
        "SELECT (SELECT string_agg(DISTINCT left(error, 500), '|') FROM postrider.attempt_log),"
        " (SELECT string_agg(DISTINCT last_error, '|') FROM postrider.dead_letters)").fetchone()
    found.shown["error columns"] = " ".join(str(text) for text in row or ())
