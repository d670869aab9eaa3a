"""Draining while one reader keeps an old snapshot, so that no vacuum can remove a dead row."""

import contextlib
import time
from collections.abc import Iterator

import psycopg

from bench.findings import Findings
from bench.nginx import Nginx, nginx
from bench.publishing import publish, register
from bench.scene import Bars, Scene
from bench.stage import Installation, Stage
from checks.harness.postgres import Postgres

# How many wait at least: the queue is filled up all the time, by so many at once.
BACKLOG, PORTION = 30_000, 5_000
WARM_UP_S = 2


def measure(stage: Stage) -> Findings:
    findings = Findings()
    seconds = 600 if stage.is_long else 12 if stage.is_quick else 60
    for key, title, is_held in (("free", "without a reader", False), ("held", "with a reader that holds a snapshot", True)):
        stage.say(f"{seconds} s {title}")
        with nginx() as endpoint, stage.installation() as installation:
            register(installation.session, endpoint.urls, event_types="{*}")
            publish(installation.session, BACKLOG + PORTION)
            installation.tidy()
            with _reader(installation.server) if is_held else contextlib.nullcontext(), installation.worker():
                _watch(key, title, seconds, installation, endpoint, findings)
    findings.add_ratio("held_ratio", "with the reader to without, the whole time", "held_per_second", "free_per_second")
    findings.add_ratio(
        "held_last_third_ratio",
        "with the reader to without, the last third",
        "held_last_third_per_second",
        "free_last_third_per_second",
    )
    return findings


def _watch(key: str, title: str, seconds: int, installation: Installation, endpoint: Nginx, findings: Findings) -> None:
    """Fills up the queue and notes how much has been delivered."""
    published, began = BACKLOG + PORTION, time.monotonic() + WARM_UP_S
    noted: list[tuple[float, int]] = []
    while (now := time.monotonic()) < began + seconds:
        delivered = endpoint.requests()
        if now >= began:
            noted.append((now, delivered))
        if published - delivered < BACKLOG:
            publish(installation.session, PORTION)
            published += PORTION
        else:
            time.sleep(0.02)
    last_third = [point for point in noted if point[0] >= began + seconds * 2 / 3]
    findings.add(f"{key}_per_second", f"{title}: deliveries a second, {seconds} s", _rate(noted))
    findings.add(f"{key}_last_third_per_second", f"{title}: deliveries a second in the last third", _rate(last_third))
    findings.add(
        f"{key}_dead_rows",
        f"{title}: dead rows at the end",
        float(
            installation.session.value(
                "SELECT n_dead_tup FROM pg_stat_user_tables WHERE schemaname = 'postrider' AND relname = 'deliveries'"
            )
        ),
    )


def _rate(noted: list[tuple[float, int]]) -> float | None:
    passed = noted[-1][0] - noted[0][0] if noted else 0
    return (noted[-1][1] - noted[0][1]) / passed if passed else None


@contextlib.contextmanager
def _reader(server: Postgres) -> Iterator[None]:
    """A transaction that has read once, and then does nothing."""
    with psycopg.connect(server.url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT count(*) FROM postrider.endpoints")
        yield


SCENE = Scene(
    "horizon",
    "A held vacuum horizon",
    "The queue is kept full while it is emptied, without and with a reader that took a snapshot at the beginning and "
    "stays idle in its "
    "transaction: until it ends, no vacuum can remove what has become dead since. Publishing shares the cores in both. "
    "`--long` takes ten "
    "minutes each.",
    130,
    measure,
    pictures=(
        Bars(
            "Deliveries a second while more is published",
            "",
            (("without a reader", "free_per_second"), ("with a reader", "held_per_second")),
        ),
    ),
)
