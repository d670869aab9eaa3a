"""One event to thousands of endpoints at once."""

import contextlib
import statistics
import time
from collections.abc import Callable

from bench.findings import Findings
from bench.nginx import nginx
from bench.publishing import publish, register
from bench.receivers import Receiver, receiver
from bench.scene import Bars, Scene
from bench.stage import Installation, Stage
from checks.harness.processes import Failure, ask, wait_until
from checks.harness.product import Worker

WIDTH, ROUNDS = 4_000, 3
SLOW, DELAY_S, PERMITS = 1_500, 0.5, 512
# How long after the first request the permits may take to fill before they are watched.
RAMP_S = 0.25
HOSTS, PATIENCE_S = 250, 60


def measure(stage: Stage) -> Findings:
    findings = Findings()
    _width(stage, findings)
    _slow(stage, findings)
    return findings


def _width(stage: Stage, findings: Findings) -> None:
    seconds: dict[str, list[float]] = {"narrow": [], "wide": []}
    with nginx(HOSTS) as endpoints, stage.installation() as installation:
        stage.say(f"registering {WIDTH:,} endpoints")
        register(installation.session, endpoints.urls, "wide-{n}", WIDTH, "{bench.wide}")
        register(installation.session, endpoints.urls, "narrow", event_types="{bench.narrow}")
        installation.tidy()
        with installation.worker():
            for _ in range(1 if stage.is_quick else ROUNDS):
                for shape, count in (("narrow", WIDTH), ("wide", 1)):
                    stage.say(
                        f"{count:,} event{'s' if count > 1 else ''} to {WIDTH // count:,} endpoint{'s' if count < WIDTH else ''}"
                    )
                    before = endpoints.requests()
                    publish(installation.session, count, f"bench.{shape}")
                    began = time.monotonic()
                    seconds[shape].append(endpoints.when(before + WIDTH, PATIENCE_S) - began)
                    installation.wait_until_settled()
                    time.sleep(0.5)
    findings.add(
        "narrow_s",
        f"{WIDTH:,} events to one endpoint, from commit to the last request",
        statistics.median(seconds["narrow"]),
        "s",
    )
    findings.add("wide_s", f"one event to {WIDTH:,} endpoints", statistics.median(seconds["wide"]), "s")
    findings.add_ratio("wide_ratio", "… times the former", "wide_s", "narrow_s")


def _slow(stage: Stage, findings: Findings) -> None:
    with contextlib.ExitStack() as stack:
        endpoints = stack.enter_context(receiver(delay_s=DELAY_S, hosts=HOSTS))
        installation = stack.enter_context(stage.installation())
        stage.say(f"registering {SLOW:,} endpoints that take {DELAY_S * 1000:.0f} ms")
        register(installation.session, endpoints.urls, "slow-{n}", SLOW, "{bench.slow}")
        installation.tidy()
        with installation.worker(settings={"POSTRIDER_MAX_IN_FLIGHT": str(PERMITS)}) as running:
            shares = _to_slow("slow", f"{PERMITS} in flight", installation, endpoints, running, findings)
        findings.add(
            "slow_lowest_share", "… permits in use until the last batch, lowest", min(shares) * 100 if shares else None, "%"
        )
        findings.add(
            "slow_mean_share",
            "… permits in use until the last batch, mean",
            statistics.fmean(shares) * 100 if shares else None,
            "%",
        )
        with installation.worker() as running:
            _to_slow("slow_default", "as many in flight as by default", installation, endpoints, running, findings)


def _to_slow(
    key: str, title: str, installation: Installation, endpoints: Receiver, running: Worker, findings: Findings
) -> list[float]:
    """One event to all of them. Gives the shares of the permits that were in use."""
    time.sleep(1)
    before = endpoints.count
    publish(installation.session, 1, "bench.slow")
    began = time.monotonic()
    shares = _shares(running, lambda: endpoints.count - before)
    wait_until("all requests come", lambda: endpoints.count - before >= SLOW, PATIENCE_S, 0.005)
    wait_until("all deliveries are settled", installation.is_empty, PATIENCE_S, 0.005)
    findings.add(
        f"{key}_s", f"one event to {SLOW:,} endpoints that take {DELAY_S * 1000:.0f} ms, {title}", time.monotonic() - began, "s"
    )
    return shares


def _shares(running: Worker, received: Callable[[], int]) -> list[float]:
    """How much of its permits the worker uses, read again and again from RAMP_S after the first request until what is left fits
    into them."""
    wait_until("the first request", received, PATIENCE_S, 0.002)
    time.sleep(RAMP_S)
    shares: list[float] = []
    end = time.monotonic() + PATIENCE_S
    while True:
        gauges = _gauges(running)
        if SLOW - received() <= gauges["postrider_max_in_flight"]:
            return shares
        if time.monotonic() > end:
            raise Failure(f"{SLOW - received():,} of {SLOW:,} endpoints have got nothing within {PATIENCE_S} s")
        shares.append(gauges["postrider_in_flight"] / gauges["postrider_max_in_flight"])
        time.sleep(0.02)


def _gauges(running: Worker) -> dict[str, float]:
    text = ask(f"http://{running.address}/metrics") or ""
    return {
        name: float(value)
        for name, _, value in (line.partition(" ") for line in text.splitlines() if line[:1].isalpha())
        if "{" not in name
    }


SCENE = Scene(
    "broadcast",
    "One event to many endpoints",
    f"How long {WIDTH:,} deliveries take when they are one event's, beside {WIDTH:,} events to one endpoint. And one "
    f"event to {SLOW:,} "
    f"endpoints that take {DELAY_S * 1000:.0f} ms to answer, with {PERMITS} in flight at most: the worker is asked "
    f"every 20 ms how many of "
    "them it uses, from a quarter of a second after the first request until what is left fits into them.",
    30,
    measure,
    pictures=(
        Bars(
            "4,000 deliveries, from commit to the last request",
            "s",
            (("4,000 events to one endpoint", "narrow_s"), ("one event to 4,000", "wide_s")),
        ),
    ),
)
