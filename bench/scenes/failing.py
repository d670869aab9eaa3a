"""Healthy endpoints at 50 events a second, alone first and then beside ten others that each fail in a way of their own."""

import time

from bench.failing import WAYS, Failing, failing
from bench.findings import Findings
from bench.publishing import STRAGGLERS_S, paced, publish, register
from bench.receivers import receiver
from bench.scene import Bars, Curves, Scene
from bench.stage import Installation, Stage
from checks.harness.processes import Failure, wait_until

RATE, CAPACITY, HEALTHY, OWED = 50, 50 * 600, 90, 50
# After so long each of them has failed often enough for its breaker; and so long they may take until they are sent to again.
SETTLE_S, HEALING_S = 6, 60


def measure(stage: Stage) -> Findings:
    findings = Findings()
    with receiver(CAPACITY) as healthy, failing() as bad, stage.installation() as installation:
        register(installation.session, healthy.urls, "healthy-{n}", HEALTHY)
        register(installation.session, [bad.url], "failing-{n}", WAYS, timeout="3 s")
        installation.session.rows(
            "SELECT count(postrider.update_endpoint(s.endpoint, retry_schedule => array_fill('2 s'::interval, ARRAY[40]))) "
            "FROM postrider.endpoint_settings s WHERE s.endpoint LIKE 'failing-%'"
        )
        installation.tidy()
        with (
            installation.worker(),
            paced(installation.server, RATE, CAPACITY, endpoint="healthy-{n}", endpoints=HEALTHY) as pace,
        ):
            time.sleep(1.5)
            began = time.monotonic()
            time.sleep(5 if stage.is_quick else 15)
            loud = time.monotonic()
            stage.say("the others fail")
            publish(installation.session, WAYS * OWED, endpoint="failing-{n}", endpoints=WAYS)
            _fail(stage, bad, findings)
            _heal(stage, bad, installation, findings)
            pace.stop()
            quiet, _ = pace.waits(healthy, began, loud)
            waits, missing = pace.waits(healthy, loud)
    findings.add_waits("failing_quiet", "alone", quiet, with_maximum=False)
    findings.add_waits("failing_beside", "beside ten that fail", waits, with_maximum=False)
    for name in ("p50", "p99"):
        findings.add_ratio(
            f"failing_{name}_ratio",
            f"beside ten that fail, {name} to alone",
            f"failing_beside_{name}_ms",
            f"failing_quiet_{name}_ms",
        )
    if missing:
        findings.faults.append(f"{missing:,} of {len(waits):,} events did not arrive within {STRAGGLERS_S} s")
    return findings


def _fail(stage: Stage, bad: Failing, findings: Findings) -> None:
    time.sleep(SETTLE_S)
    bad.is_watched.value = True
    time.sleep(6 if stage.is_quick else 18)
    bad.is_watched.value = False
    findings.add("failing_asked", f"requests to all ten of them, each owed {OWED} events", sum(bad.asked))
    findings.add(
        "failing_at_once", f"requests at once to one of them, at most, {SETTLE_S} s after the events came", max(bad.most)
    )


def _heal(stage: Stage, bad: Failing, installation: Installation, findings: Findings) -> None:
    stage.say("the others do well")
    bad.is_well.value = True
    healed = time.monotonic()
    owed = (
        "SELECT NOT EXISTS (SELECT FROM postrider.deliveries d JOIN postrider.endpoints e ON e.id = d.endpoint_id "
        "WHERE e.name LIKE 'failing-%')"
    )
    try:
        wait_until("what they were owed is gone", lambda: installation.session.value(owed), HEALING_S, 0.1)
        findings.add("failing_healed_s", "from their doing well until nothing was owed to them", time.monotonic() - healed, "s")
    except Failure:
        findings.add("failing_healed_s", "from their doing well until nothing was owed to them", None, "s")
        findings.faults.append(f"{HEALING_S} s after they did well they were still owed something")


SCENE = Scene(
    "failing",
    "Failing neighbours",
    f"{HEALTHY} healthy endpoints get {RATE} events a second: alone for some seconds, and then beside ten others, to which "
    f"{OWED} events each are published at once. Of these one never answers, one cuts connections, one takes two seconds for a 502, "
    "one sends what is not HTTP, one less than it promises, and five answer 500, 503 with Retry-After, 429, 504 and 400. "
    "They have 3 s to answer and are tried again every 2 s; their breakers are on.",
    60,
    measure,
    pictures=(
        Bars(
            "Healthy endpoints, times that of being alone",
            "×",
            (("p50", "failing_p50_ratio"), ("p99", "failing_p99_ratio")),
        ),
        Curves("From commit to receipt at the healthy endpoints"),
    ),
)
