"""Whether several workers stand in each other's way."""

import contextlib
import time

from bench.draining import faults
from bench.findings import Findings
from bench.nginx import nginx
from bench.publishing import publish, register
from bench.scene import Bars, Scene
from bench.stage import Stage
from bench.statistics import median

COUNTS, ENDPOINTS = (1, 2, 4), (1, 100)
PATIENCE_S = 120


def measure(stage: Stage) -> Findings:
    findings = Findings()
    for endpoints in ENDPOINTS:
        title = "one endpoint" if endpoints == 1 else f"{endpoints} endpoints"
        rates: dict[int, list[float]] = {count: [] for count in COUNTS}
        # In turns, because a database gets slower or faster as it grows.
        for _ in range(1 if stage.is_quick else 2):
            for count in COUNTS:
                stage.say(f"{count} worker{'s' if count > 1 else ''}, {title}")
                rates[count].append(_rate(stage, count, endpoints, findings))
        for count in COUNTS:
            findings.add(
                f"workers_{count}_endpoints_{endpoints}_per_second",
                f"{count} worker{'s' if count > 1 else ''}, {title}: deliveries a second",
                median(rates[count]),
            )
        for count in COUNTS[1:]:
            findings.add_ratio(
                f"workers_{count}_endpoints_{endpoints}_ratio",
                f"{count} workers, {title}, to one",
                f"workers_{count}_endpoints_{endpoints}_per_second",
                f"workers_1_endpoints_{endpoints}_per_second",
            )
    findings.add("exactly_once_faults", "runs in which not every event was sent and recorded exactly once", len(findings.faults))
    return findings


def _rate(stage: Stage, count: int, endpoints: int, findings: Findings) -> float:
    """Deliveries a second from the first request to the last record, of workers that start together."""
    events = 20_000 if stage.is_quick else 60_000
    with nginx(endpoints) as endpoint, stage.installation() as installation:
        register(installation.session, endpoint.urls, "bench-{n}", endpoints)
        publish(installation.session, events, endpoint="bench-{n}", endpoints=endpoints)
        installation.tidy()
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(installation.worker(is_ready=False))
            began = endpoint.when(1, PATIENCE_S)
            endpoint.when(events, PATIENCE_S)
            installation.wait_until_settled()
            seconds = time.monotonic() - began
        found = faults(events, endpoint.requests(), installation.delivered()[0])
    findings.faults += [f"{count} workers, {endpoints} endpoints: {fault}" for fault in found]
    return events / seconds


SCENE = Scene(
    "workers",
    "Several workers",
    "60,000 waiting events (20,000 in a quick run), emptied by one, two and four workers on the same cores: more "
    "workers cannot be faster "
    "where one uses all of the machine, but they must not be slower. From the first request to the last record.",
    100,
    measure,
    pictures=(
        Bars(
            "Deliveries a second",
            "",
            tuple(
                (
                    f"{count} worker{'s' if count > 1 else ''}, {'one endpoint' if endpoints == 1 else f'{endpoints} endpoints'}",
                    f"workers_{count}_endpoints_{endpoints}_per_second",
                )
                for endpoints in ENDPOINTS
                for count in COUNTS
            ),
        ),
    ),
)
