"""A healthy endpoint at 50 events a second, alone first and then beside others that hang, or beside one tenant's flood."""

import contextlib
import dataclasses
import time
from collections.abc import Callable

from bench.findings import Findings
from bench.nginx import Nginx, nginx
from bench.publishing import STRAGGLERS_S, Pace, paced, publish, register
from bench.receivers import Receiver, receiver
from bench.scene import Bars, Curves, Scene
from bench.stage import Installation, Stage
from bench.statistics import ratio

RATE, WARM_UP_S = 50, 1.0
# The most that is published to the healthy endpoint in one case, which ends long before.
CAPACITY = RATE * 600
HOSTS = 250


@dataclasses.dataclass(frozen=True)
class Neighbours:
    """The other endpoints. `fast` answers at once, `hanging` never does."""

    installation: Installation
    fast: Nginx
    hanging: Receiver
    is_quick: bool


@dataclasses.dataclass(frozen=True)
class Case:
    """`prepare` registers the neighbours; `arrive` publishes to them; `conclude` says how they
    had fared when the last event was published."""

    key: str
    title: str
    prepare: Callable[[Neighbours], None]
    arrive: Callable[[Neighbours], None]
    conclude: Callable[[Neighbours, Findings], None] = lambda *_: None


def measure(stage: Stage) -> Findings:
    findings = Findings()
    for case in CASES:
        stage.say(f"beside {case.title}")
        with contextlib.ExitStack() as stack:
            healthy = stack.enter_context(receiver(CAPACITY))
            neighbours = Neighbours(
                stack.enter_context(stage.installation()),
                stack.enter_context(nginx(HOSTS)),
                stack.enter_context(receiver(delay_s=None, hosts=HOSTS)),
                stage.is_quick,
            )
            _play(case, stage, neighbours, healthy, findings)
    if stage.is_quick:
        findings.notes.append(
            "A quick run is smaller than its titles say: the crowd is 2,000 endpoints of which 200 hang, the flood 100,000 events."
        )
    return findings


def _play(case: Case, stage: Stage, neighbours: Neighbours, healthy: Receiver, findings: Findings) -> None:
    installation = neighbours.installation
    register(installation.session, healthy.urls, "healthy", event_types="{bench.paced}", tenant="healthy")
    case.prepare(neighbours)
    installation.tidy()
    with installation.worker(), paced(installation.server, RATE, CAPACITY, tenant="healthy") as pace:
        time.sleep(WARM_UP_S + 0.5)
        began = time.monotonic()
        time.sleep(5 if stage.is_quick else 8)
        loud = time.monotonic()
        stage.say("the neighbours' events come")
        case.arrive(neighbours)
        pace.stop()
        case.conclude(neighbours, findings)
        _judge(case, pace, healthy, began, loud, findings)


def _judge(case: Case, pace: Pace, healthy: Receiver, began: float, loud: float, findings: Findings) -> None:
    waits, missing = pace.waits(healthy, loud)
    quiet, _ = pace.waits(healthy, began, loud)
    findings.add_waits(f"{case.key}_quiet", f"alone, before {case.title}", quiet, with_maximum=False)
    findings.add_waits(f"{case.key}_beside", f"beside {case.title}", waits, with_maximum=False)
    for name in ("p50", "p99"):
        findings.add_ratio(
            f"{case.key}_{name}_ratio",
            f"beside {case.title}, {name} to alone",
            f"{case.key}_beside_{name}_ms",
            f"{case.key}_quiet_{name}_ms",
        )
    findings.add(
        f"{case.key}_missing", f"beside {case.title}, did not arrive within {STRAGGLERS_S} s", missing, f"of {len(waits):,}"
    )
    if missing:
        findings.faults.append(
            f"beside {case.title}: {missing:,} of {len(waits):,} events did not arrive within {STRAGGLERS_S} s"
        )


def _sit(neighbours: Neighbours) -> None:
    time.sleep(8 if neighbours.is_quick else 20)


# 300 endpoints, each with one request that hangs for as long as we look.


def _prepare_one_each(neighbours: Neighbours) -> None:
    register(neighbours.installation.session, neighbours.hanging.urls, "hanging-{n}", 300, timeout="60 s")


def _one_each(neighbours: Neighbours) -> None:
    publish(neighbours.installation.session, 300, endpoint="hanging-{n}", endpoints=300)
    _sit(neighbours)


# 100 endpoints with 300 waiting each, of which 90 hang.


def _prepare_backlog(neighbours: Neighbours) -> None:
    register(neighbours.installation.session, neighbours.hanging.urls, "hanging-{n}", 90)
    register(neighbours.installation.session, neighbours.fast.urls, "fast-{n}", 9)


def _backlog(neighbours: Neighbours) -> None:
    publish(neighbours.installation.session, 90 * 300, endpoint="hanging-{n}", endpoints=90)
    publish(neighbours.installation.session, 9 * 300, endpoint="fast-{n}", endpoints=9)
    _sit(neighbours)


# 10,000 tenants with an endpoint each, of which 1,000 hang; each gets three events.

CROWD, CROWD_HANGING, CROWD_EVENTS = 9_000, 1_000, 3


def _share(neighbours: Neighbours) -> int:
    return 5 if neighbours.is_quick else 1


def _prepare_crowd(neighbours: Neighbours) -> None:
    session, share = neighbours.installation.session, _share(neighbours)
    register(session, neighbours.hanging.urls, "hanging-{n}", CROWD_HANGING // share, tenant="hanging-{n}")
    register(session, neighbours.fast.urls, "fast-{n}", CROWD // share, tenant="fast-{n}")


def _crowd(neighbours: Neighbours) -> None:
    session, share = neighbours.installation.session, _share(neighbours)
    for _ in range(CROWD_EVENTS):
        began = time.monotonic()
        for name, count in (("hanging-{n}", CROWD_HANGING // share), ("fast-{n}", CROWD // share)):
            publish(session, count, endpoint=name, endpoints=count, tenant=name)
        time.sleep(max(0.0, began + (3 if neighbours.is_quick else 7) - time.monotonic()))


def _conclude_crowd(neighbours: Neighbours, findings: Findings) -> None:
    due = CROWD // _share(neighbours) * CROWD_EVENTS
    findings.add(
        "crowd_others_arrived",
        "10,000 endpoints of which 1,000 hang: events to the other healthy ones that had arrived at the end",
        (ratio(min(due, max(0, neighbours.fast.requests())), due) or 0) * 100,
        "%",
    )


# One tenant publishes a million events in one statement, to its 50 endpoints.

FLOOD, FLOOD_ENDPOINTS = 1_000_000, 50


def _prepare_flood(neighbours: Neighbours) -> None:
    register(
        neighbours.installation.session, neighbours.fast.urls[:FLOOD_ENDPOINTS], "flood-{n}", FLOOD_ENDPOINTS, tenant="flood"
    )


def _flood(neighbours: Neighbours) -> None:
    events = FLOOD // 10 if neighbours.is_quick else FLOOD
    publish(
        neighbours.installation.session,
        events,
        endpoint="flood-{n}",
        endpoints=FLOOD_ENDPOINTS,
        tenant="flood",
        payload_bytes=100,
        chunk=events,
    )
    _sit(neighbours)


def _conclude_flood(neighbours: Neighbours, findings: Findings) -> None:
    findings.add("flood_arrived", "the flood: its events that had been delivered at the end", max(0, neighbours.fast.requests()))


CASES = (
    Case("one_each", "300 endpoints with one hanging request each", _prepare_one_each, _one_each),
    Case("backlog", "90 endpoints that hang with 300 waiting each", _prepare_backlog, _backlog),
    Case("crowd", "10,000 endpoints of which 1,000 hang", _prepare_crowd, _crowd, _conclude_crowd),
    Case("flood", "a tenant that publishes a million events at once", _prepare_flood, _flood, _conclude_flood),
)

SCENE = Scene(
    "neighbours",
    "Slow neighbours",
    f"A healthy endpoint gets {RATE} events a second: alone for some seconds, and then beside others. Hanging endpoints "
    f"accept and never "
    "answer. They have 15 s to do so, and are tried again after that; in the first case 60 s. An event that did not arrive within "
    f"{STRAGGLERS_S} s counts with the time that it had waited by then. The flood is one statement, and the time that "
    f"PostgreSQL takes for it counts too. "
    "A quick run has a fifth of the crowd and a tenth of the flood.",
    150,
    measure,
    pictures=(
        Bars(
            "p99 of the healthy endpoint, times that of being alone",
            "×",
            tuple((case.title, f"{case.key}_p99_ratio") for case in CASES),
        ),
        Curves("From commit to receipt at the healthy endpoint", ("beside", f"before {CASES[0].title}")),
    ),
)
