"""Makes each fault on running workers, which a Prometheus scrapes, and waits until its alerts ring and until they are silent again."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from checks.alerts import faults
from checks.alerts.faults import Fault, World
from checks.alerts.prometheus import Prometheus, names, prometheus
from checks.alerts.receiver import receiver
from checks.harness.postgres import Session, postgres
from checks.harness.processes import Failure, free_port, program, wait_until
from checks.harness.product import Postrider, built_executable
from checks.harness.tally import Tally

# How long an alert may take: a survey every 15 s, a minute until an endpoint counts as failing, and the spans of the rules.
_RINGS_S, _SILENT_S = 120, 120
_SETTINGS = {"POSTRIDER_MAX_IN_FLIGHT": "64", "POSTRIDER_LEASE_SLACK": "5s", "POSTRIDER_LOG_LEVEL": "info"}


def check(tally: Tally) -> None:
    seen: set[str] = set()
    with _world() as (world, watch):
        wait_until("the workers are scraped", lambda: watch.value("count(postrider_delivery_lag_seconds)") == "2", 60)
        wait_until("no alert rings on a healthy worker", lambda: not watch.firing(), 60)
        _play(tally, world, watch, faults.beside_each_other(), seen)
        fault = faults.stale()
        fault.make(world)
        # Its leases end, the other worker sends again, and then it goes on.
        time.sleep(12)
        fault.repair(world)
        _rings(tally, world, watch, [fault], seen)
        _silent(tally, watch, [fault])
        for fault in faults.one_after_the_other():
            _play(tally, world, watch, [fault], seen)
        _drop_lines(tally, world, watch, seen)
    tally.check("alerts: each has a fault", ", ".join(sorted(set(names()) - seen)))


def _play(tally: Tally, world: World, watch: Prometheus, together: list[Fault], seen: set[str]) -> None:
    rung: set[str] = set()
    for fault in together:
        fault.make(world)
        rung.update(watch.firing())
    _rings(tally, world, watch, together, seen, rung)
    for fault in together:
        fault.repair(world)
    _silent(tally, watch, together)


def _rings(
    tally: Tally, world: World, watch: Prometheus, together: list[Fault], seen: set[str], rung: set[str] | None = None
) -> None:
    """Those that count what happened ring for a moment only, so all are watched at once; some may have `rung` already."""
    wanted = {alert for fault in together for alert in fault.alerts}
    rung = set() if rung is None else rung

    def all_rang() -> bool:
        rung.update(watch.firing())
        for fault in together:
            if not fault.alerts <= rung:
                fault.again(world)
        return wanted <= rung

    problem = _waited(all_rang, _RINGS_S)
    for alert in sorted(wanted):
        tally.check(f"alerts: {alert} rings", None if alert in rung else problem)
    seen.update(wanted)


def _silent(tally: Tally, watch: Prometheus, together: list[Fault]) -> None:
    wanted = {alert for fault in together for alert in fault.alerts}
    problem = _waited(lambda: not wanted & watch.firing(), _SILENT_S)
    ringing = wanted & watch.firing()
    for alert in sorted(wanted):
        tally.check(f"alerts: {alert} falls silent", problem if alert in ringing else None)


def _waited(condition: object, seconds: float) -> str | None:
    try:
        wait_until("it", condition, seconds, 0.5)  # type: ignore[arg-type]
        return None
    except Failure as failure:
        return str(failure)


def _drop_lines(tally: Tally, world: World, watch: Prometheus, seen: set[str]) -> None:
    """A worker whose standard error is a pipe that is not read."""
    fault = Fault({"PostriderLogLinesDropped"}, lambda _: None, lambda _: None)
    environment = world.postrider.environment | {
        "POSTRIDER_HEALTH_LISTEN": world.third, "POSTRIDER_LOG_LEVEL": "debug", "POSTRIDER_LOG_FORMAT": "json"}
    world.endpoint("lines", "/400", "--retry-schedule", "1s", "--max-attempts", "1")
    with program([world.postrider.executable, "worker"], env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL):
        world.publish("lines", 20_000)
        _rings(tally, world, watch, [fault], seen)
    _silent(tally, watch, [fault])


@contextmanager
def _world() -> Iterator[tuple[World, Prometheus]]:
    with postgres() as server, receiver() as receiving:
        postrider, other = (Postrider(built_executable(), server) for _ in range(2))
        for one in (postrider, other):
            one.environment |= _SETTINGS
        third = f"127.0.0.1:{free_port()}"
        postrider.run("migrate")
        targets = [postrider.environment["POSTRIDER_HEALTH_LISTEN"], other.environment["POSTRIDER_HEALTH_LISTEN"], third]
        with postrider.worker() as worker, other.worker() as second, prometheus(targets) as watch, \
                Session(server.url.replace("/postgres?", "/template1?")) as session:
            yield World(server, session, postrider, receiving, worker, second, third), watch
