"""How soon an event is received after its commit when there is little to do, and what doing nothing costs."""

import time

from bench.findings import Findings
from bench.publishing import paced, register
from bench.receivers import Receiver, receiver
from bench.scene import Curves, Scene
from bench.stage import Installation, Stage
from bench.statistics import median
from bench.usage import Meter
from checks.harness.processes import wait_until

WARM_UP_S, SETTLE_S = 1.0, 3
# What the first events of silence and of a process are numbered with, away from those of the steady rates.
FIRST = 50_000


def measure(stage: Stage) -> Findings:
    findings = Findings()
    with receiver(FIRST + 100) as endpoint, stage.installation() as installation:
        register(installation.session, endpoint.urls, event_types="{bench.*}")
        with installation.worker() as running:
            for rate, seconds in (
                (1, 4 if stage.is_quick else 15),
                (100, 4 if stage.is_quick else 10),
                (1000, 4 if stage.is_quick else 10),
            ):
                stage.say(f"{rate:,} events a second")
                _at(rate, seconds, installation, endpoint, findings)
            silence = 8 if stage.is_quick else 30
            stage.say(f"{silence} s of silence")
            time.sleep(SETTLE_S)
            meter = Meter(worker=running.pid, postgres=installation.server.pid)
            time.sleep(silence - SETTLE_S)
            idle = meter.percent_of_a_core()
            findings.add(
                "after_silence_ms", f"the first event after {silence} s of silence", _one(installation, endpoint, FIRST), "ms"
            )
        _first_of_process(stage, installation, endpoint, findings)
    findings.add("idle_worker_cpu_percent", "idle worker", idle["worker"], "% of a core")
    findings.add("idle_postgres_cpu_percent", "idle PostgreSQL", idle["postgres"], "% of a core")
    return findings


def _at(rate: int, seconds: int, installation: Installation, endpoint: Receiver, findings: Findings) -> None:
    endpoint.forget()
    with paced(installation.server, rate, round(rate * (seconds + WARM_UP_S))) as pace:
        wait_until("all are published", lambda: pace.committed[-1], seconds * 3 + 10)
        wait_until("all commits are confirmed", lambda: all(pace.committed), 10)
        waits, missing = pace.waits(endpoint, min(pace.committed) + WARM_UP_S)
    achieved = (len(pace.committed) - 1) / (max(pace.committed) - min(pace.committed))
    if not 0.95 < achieved / rate < 1.05:
        findings.notes.append(f"Instead of {rate:,} events a second {achieved:,.1f} were published.")
    if missing:
        findings.faults.append(f"at {rate} a second {missing} of {len(waits)} events did not arrive")
    findings.add_waits(f"rate_{rate}", f"{rate:,} a second", waits)


def _one(installation: Installation, endpoint: Receiver, number: int) -> float:
    """Milliseconds from the commit of one event to its receipt."""
    installation.session.rows(
        "INSERT INTO postrider.outbox (event_type, payload) VALUES ('bench.first', %s)", f'{{"n":{number}}}'
    )
    committed = time.monotonic()
    wait_until("the first event arrives", lambda: endpoint.when[number], 20)
    return max(0.0, endpoint.when[number] - committed) * 1000


def _first_of_process(stage: Stage, installation: Installation, endpoint: Receiver, findings: Findings) -> None:
    rounds = 3 if stage.is_quick else 7
    stage.say(f"the first event of a process, {rounds} times")
    waits = []
    for number in range(FIRST + 1, FIRST + 1 + rounds):
        with installation.worker():
            waits.append(_one(installation, endpoint, number))
    findings.add("first_of_process_ms", f"the first event of a process, median of {rounds}", median(waits), "ms")
    findings.add("first_of_process_max_ms", "the first event of a process, the slowest", max(waits), "ms")


SCENE = Scene(
    "latency",
    "Latency",
    "From the moment at which the commit of an event is confirmed to the moment at which its request has been "
    "received, one endpoint that "
    "answers at once. Events come at a steady rate, whatever becomes of the earlier ones.",
    90,
    measure,
    pictures=(Curves("From commit to receipt", ("a second",)),),
)
