"""What endpoints cost that have nothing to do: 1, 1,000 and 100,000 of them."""

import time

from bench.findings import Findings
from bench.publishing import paced, register
from bench.receivers import receiver
from bench.scene import Bars, Curves, Scene
from bench.stage import Stage
from bench.usage import Meter
from checks.harness.processes import Failure, wait_until

SIZES = (1, 1_000, 100_000)
RATE, HOSTS, SETTLE_S, START_S = 50, 250, 5, 60


def measure(stage: Stage) -> Findings:
    findings = Findings()
    for size in SIZES:
        _with(size, stage, findings)
    for size in SIZES[1:]:
        findings.add(
            f"crowd_{size}_more_percent",
            f"{size:,} endpoints, idle: more than with one",
            _difference(findings, f"crowd_{size}_idle_percent", "crowd_1_idle_percent"),
            "% of a core",
        )
        findings.add_ratio(
            f"crowd_{size}_p50_ratio", f"{size:,} endpoints, p50 to that of one", f"crowd_{size}_p50_ms", "crowd_1_p50_ms"
        )
    return findings


def _with(size: int, stage: Stage, findings: Findings) -> None:
    seconds, title = 5 if stage.is_quick else 10, f"{size:,} endpoint{'s' if size > 1 else ''}"
    with receiver(RATE * (seconds + 2), hosts=HOSTS) as endpoint, stage.installation() as installation:
        stage.say(f"registering {title}")
        began = time.monotonic()
        register(installation.session, endpoint.urls[:size], "idle-{n}", size)
        findings.add(f"crowd_{size}_register_s", f"{title}: registered by one statement in", time.monotonic() - began, "s")
        installation.tidy()
        installation.session.rows(
            "INSERT INTO postrider.outbox (event_type, payload, endpoint) VALUES ('bench.first', '{}', %s)", f"idle-{size}"
        )
        began = time.monotonic()
        with installation.worker(is_ready=False) as running:
            try:
                wait_until("the first delivery", lambda: endpoint.count, START_S, 0.005)
                findings.add(
                    f"crowd_{size}_start_ms",
                    f"{title}: from the start of the process to the first delivery",
                    (time.monotonic() - began) * 1000,
                    "ms",
                )
            except Failure:
                findings.add(
                    f"crowd_{size}_start_ms", f"{title}: from the start of the process to the first delivery", None, "ms"
                )
                findings.faults.append(f"{title}: nothing was delivered within {START_S} s after the start")
            stage.say("idle")
            time.sleep(SETTLE_S)
            meter = Meter(worker=running.pid, postgres=installation.server.pid)
            time.sleep(seconds * 1.5)
            idle = meter.percent_of_a_core()
            findings.add(f"crowd_{size}_idle_percent", f"{title}, idle: worker and PostgreSQL", sum(idle.values()), "% of a core")
            findings.add(f"crowd_{size}_idle_worker_percent", f"{title}, idle: the worker alone", idle["worker"], "% of a core")
            stage.say(f"{RATE} events a second spread over them")
            with paced(installation.server, RATE, len(endpoint.when), endpoint="idle-{n}", endpoints=size) as pace:
                wait_until("all are published", lambda: pace.committed[-1], seconds * 3 + 10)
                waits, missing = pace.waits(endpoint, min(when for when in pace.committed if when) + 1)
            findings.add_waits(f"crowd_{size}", title, waits, with_maximum=False)
            if missing:
                findings.faults.append(f"{title}: {missing} of {len(waits)} events did not arrive")


def _difference(findings: Findings, one: str, other: str) -> float | None:
    values = findings.value(one), findings.value(other)
    return None if values[0] is None or values[1] is None else values[0] - values[1]


SCENE = Scene(
    "crowd",
    "A crowd of idle endpoints",
    f"Endpoints that have nothing to do, and then {RATE} events a second spread over them.",
    100,
    measure,
    pictures=(
        Bars(
            "CPU of worker and PostgreSQL while nothing happens",
            "% of a core",
            tuple((f"{size:,}", f"crowd_{size}_idle_percent") for size in SIZES),
        ),
        Curves("From commit to receipt, 50 events a second spread over all"),
    ),
)
