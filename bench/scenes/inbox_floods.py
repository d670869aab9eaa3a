"""Senders that mean ill, and what those who do not feel of it: how long they wait, beside how long they wait when it is quiet."""

import pathlib
import tempfile
from collections.abc import Callable

from bench.findings import Findings, medians
from bench.inbox.requests import PATH, endless, forged, signed, write
from bench.inbox.sender import Sent, sender
from bench.inbox.serving import Serving, postrider
from bench.scene import Curves, Scene
from bench.stage import Stage
from bench.statistics import median, quantile
from bench.usage import Meter, peak_memory_mib

HONEST_CONNECTIONS, HONEST_RATE = 16, 500
SLOW, FORGED_RATE = 5_000, 10_000
MOST_MEMORY_MIB, MOST_RATIO = 150, 2
PATIENCE_S = 60
# Heads and bodies that never end have no other limit than what is taken of them.
POURING = 32
# A head has ten seconds, and a full house is ended within five more: slow ones are to be seen cut, and to come again.
SLOW_S, FLOOD_S, QUIET_S = 18, 6, 4
# Of one turn's p99 a pause of the disk is a part: each flood has as many turns, between quiet times.
TURNS = 3

_HEAD = f"POST {PATH} HTTP/1.1\r\nHost: hooks.example.com\r\n".encode()


def measure(stage: Stage) -> Findings:
    turns: list[Findings] = []
    with tempfile.TemporaryDirectory(prefix="postrider-bench-floods-") as folder, postrider(stage) as serving:
        play = _Play(stage, serving, pathlib.Path(folder))
        play.honest("warming up", 2)
        for _ in range(1 if stage.is_quick else TURNS):
            turns.append(play.turn())
    findings = medians(turns)
    _judge(findings)
    return findings


def _judge(findings: Findings) -> None:
    quiet = findings.value("quiet_median_p99_ms")
    for figure in findings.figures:
        if figure.key.endswith("_ratio") and (figure.value is None or figure.value > MOST_RATIO):
            findings.faults.append(f"{figure.title} is {figure.value}, and the quiet one {quiet} ms")


class _Play:
    def __init__(self, stage: Stage, serving: Serving, folder: pathlib.Path) -> None:
        self._stage, self._serving, self._folder = stage, serving, folder
        self._findings = Findings()
        self._sent = 0
        self._quiet: list[float] = []
        self._flooded: dict[str, tuple[str, float]] = {}

    def turn(self) -> Findings:
        self._findings, self._quiet, self._flooded = Findings(), [], {}
        self.quiet()
        self.flood("slow", f"{SLOW:,} slow connections", "drip", [_HEAD + b"X-Slow: "], SLOW, 0, _slow_faults, SLOW_S)
        requests = [forged(number) for number in range(10_000)]
        self.flood("forged", f"{FORGED_RATE:,} forged requests a second", "send", requests, 64, FORGED_RATE, _forged_faults)
        self.flood("bodies", f"{POURING} bodies without end", "pour", endless(), POURING, 0, _poured_faults)
        self.flood("heads", f"{POURING} heads without end", "pour", [_HEAD, b"X-Flood: " + b"x" * 4_000 + b"\r\n"], POURING, 0, _poured_faults)
        self.sum_up()
        return self._findings

    def honest(self, what: str, seconds: int) -> Sent:
        """Sends, at a steady rate, and says how long each request waited for its answer."""
        count = HONEST_RATE * seconds
        file = write(self._folder / "honest", (signed(self._sent + number) for number in range(count)))
        with sender(self._serving.port, "send", file, HONEST_CONNECTIONS, count, HONEST_RATE) as running:
            sent = running.result(seconds + PATIENCE_S)
        self._sent += count
        if sent.statuses != {"200": count}:
            self._findings.faults.append(f"{what}: honest requests are answered with {sent.statuses}")
        return sent

    def quiet(self) -> None:
        self._stage.say("quiet")
        sent = self.honest("quiet", QUIET_S // 2 if self._stage.is_quick else QUIET_S)
        self._quiet.append(quantile(sent.waits_ms, 0.99))
        if len(self._quiet) == 1:
            self._findings.add_waits("quiet", "quiet", [wait / 1000 for wait in sent.waits_ms], with_maximum=False)

    def flood(
        self,
        key: str,
        title: str,
        kind: str,
        records: list[bytes],
        connections: int,
        rate: float,
        judge: Callable[[Sent], list[str]],
        seconds: int = FLOOD_S,
    ) -> None:
        self._stage.say(title)
        file = write(self._folder / "flood", records)
        with sender(self._serving.port, kind, file, connections, rate=rate, gives_way=True) as ill:
            self.honest(f"{title}, its beginning", 1)
            meter = Meter(server=self._serving.pid, postgres=self._serving.database.pid)
            sent = self.honest(title, seconds)
            used = meter.percent_of_a_core()
            flood = ill.stop()
        self._findings.add_waits(key, title, [wait / 1000 for wait in sent.waits_ms], with_maximum=False)
        self._flooded[key] = (title, quantile(sent.waits_ms, 0.99))
        self._findings.add(f"{key}_server_cpu", f"{title}: the server", used["server"], "% of a core")
        self._findings.add(f"{key}_sender_cpu", f"{title}: who sends it", flood.cpu_percent, "% of a core")
        if flood.statuses:
            self._findings.add(f"{key}_per_second", f"{title}: answers a second", flood.answers_per_second)
        self._findings.add(f"{key}_peak_memory_mib", f"{title}: peak memory of the server until then", peak_memory_mib(self._serving.pid), "MiB")
        self._findings.faults += [f"{title}: {fault}" for fault in judge(flood)]
        self.quiet()

    def sum_up(self) -> None:
        quiet = median(self._quiet)
        self._findings.add("quiet_median_p99_ms", f"quiet, median p99 of {len(self._quiet)} times, before and after each flood", quiet, "ms")
        for key, (title, p99) in self._flooded.items():
            self._findings.add(f"{key}_ratio", f"{title}: p99 to the quiet one", p99 / quiet if quiet else None, "×")
        memory = peak_memory_mib(self._serving.pid)
        self._findings.add("peak_memory_mib", "peak memory of the server", memory, "MiB")
        if memory >= MOST_MEMORY_MIB:
            self._findings.faults.append(f"it held {memory:.0f} MiB")
        stored = self._serving.stored()
        if stored != self._sent:
            self._findings.faults.append(f"{stored} requests are stored, of {self._sent} honest ones")


def _slow_faults(flood: Sent) -> list[str]:
    """All are held, and each is cut after the time of a head."""
    return [] if SLOW <= flood.ended <= 2 * SLOW else [f"{flood.ended:,} connections were ended, of {SLOW:,} that were held"]


def _forged_faults(flood: Sent) -> list[str]:
    if set(flood.statuses) != {"401"}:
        return [f"they are answered with {flood.statuses}"]
    return [] if flood.answers_per_second > FORGED_RATE * 0.95 else [f"only {flood.answers_per_second:,.0f} a second were answered"]


def _poured_faults(flood: Sent) -> list[str]:
    return [] if flood.ended else ["no connection was ended"]


SCENE = Scene(
    "inbox-floods",
    "Floods",
    f"{HONEST_RATE} signed requests a second over {HONEST_CONNECTIONS} connections, while others do their worst: slow connections that send a byte a "
    "second, requests with wrong signatures, bodies and heads that never end. Who floods runs only while a core has nothing else to do (SCHED_IDLE), "
    "as if it had a machine of its own: what it takes from the others is what the server does for it, and the kernel for its packets. Quiet is the same "
    "server with the honest sender alone, before and after each flood; figures are medians of some turns. The honest ones may wait twice as long under "
    "a flood, each wait counted from when the request was due, and nothing of a flood may reach PostgreSQL.",
    200,
    measure,
    pictures=(Curves("To the answer of honest requests, quiet and flooded"),),
)
