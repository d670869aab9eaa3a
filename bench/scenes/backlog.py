"""Whether a long queue is emptied as fast as a short one."""

import time

from bench.findings import Findings
from bench.nginx import Nginx, nginx
from bench.publishing import publish, register
from bench.scene import Bars, Scene
from bench.stage import Installation, Stage
from bench.statistics import median

SMALL = 10_000
# From which request to which one the time is taken: the start of a worker is apart, and the shortest queue is not over.
FIRST, LAST = 1_000, 9_000
ROUNDS, PATIENCE_S = 5, 120
CHUNK = 50_000


def sizes(stage: Stage) -> list[int]:
    return [SMALL, 200_000 if stage.is_quick else 1_000_000, *([10_000_000] if stage.is_long else [])]


def measure(stage: Stage) -> Findings:
    findings = Findings()
    with nginx() as endpoint, stage.installation() as installation:
        register(installation.session, endpoint.urls, event_types="{*}")
        waiting = 0
        for size in sizes(stage):
            rates = []
            for number in range(3 if stage.is_quick else ROUNDS):
                waiting += _fill_up(stage, installation, size - waiting)
                stage.say(f"{size:,} waiting, {number + 1}")
                rate, delivered = _rate(installation, endpoint)
                rates.append(rate)
                waiting -= delivered
            findings.add(f"backlog_{size}_per_second", f"{size:,} waiting: deliveries a second", median(rates))
        for size in sizes(stage)[1:]:
            findings.add_ratio(
                f"backlog_{size}_ratio",
                f"… at {size:,} to those at {SMALL:,}",
                f"backlog_{size}_per_second",
                f"backlog_{SMALL}_per_second",
            )
    return findings


def _fill_up(stage: Stage, installation: Installation, missing: int) -> int:
    if missing > SMALL:
        stage.say(f"publishing {missing:,} events")
    publish(installation.session, missing, payload_bytes=100, chunk=CHUNK)
    installation.tidy()
    return max(0, missing)


def _rate(installation: Installation, endpoint: Nginx) -> tuple[float, int]:
    """Deliveries a second of a worker that has just started, and how many it made before it was stopped."""
    before = endpoint.requests()
    with installation.worker(is_ready=False):
        began = endpoint.when(before + FIRST, PATIENCE_S)
        first = endpoint.requests()
        ended = endpoint.when(before + LAST, PATIENCE_S)
        last = endpoint.requests()
    time.sleep(0.1)
    return (last - first) / (ended - began), endpoint.requests() - before


SCENE = Scene(
    "backlog",
    "A long queue",
    f"A worker starts with so many events waiting for one endpoint, and the time between its request {FIRST:,} and its "
    f"request {LAST:,} is "
    "taken; then it is stopped, and the queue is filled up again. The median of five. `--long` adds ten million.",
    80,
    measure,
    pictures=(
        Bars(
            "Deliveries a second by events that wait",
            "",
            (
                ("10,000", "backlog_10000_per_second"),
                ("200,000", "backlog_200000_per_second"),
                ("1,000,000", "backlog_1000000_per_second"),
                ("10,000,000", "backlog_10000000_per_second"),
            ),
        ),
    ),
)
