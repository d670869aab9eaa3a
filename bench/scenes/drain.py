"""100,000 waiting events to one endpoint, and what other programs make of such work."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from bench.draining import drain
from bench.findings import Findings
from bench.nginx import Nginx, nginx
from bench.publishing import PAYLOAD_BYTES, register
from bench.scene import Bars, Scene
from bench.stage import Stage
from checks import ROOT
from checks.harness.postgres import postgres

WRK_CONNECTIONS, WRK_SECONDS = 64, 5
PATIENCE_S = 300


def measure(stage: Stage) -> Findings:
    findings = Findings()
    with stage.installation() as installation, nginx() as endpoint:
        register(installation.session, endpoint.urls, event_types="{*}")
        drained = drain(stage, installation, endpoint, stage.events)
    findings.add("deliveries_per_second", "deliveries a second", drained.deliveries_per_second)
    for name, title in (("worker", "the worker"), ("postgres", "PostgreSQL"), ("endpoint", "the endpoint (nginx)")):
        findings.add(f"{name}_cpu_us_per_delivery", f"CPU of {title}, a delivery", drained.cpu_us[name], "µs")
    findings.add(
        "cpu_us_per_delivery",
        "CPU of worker and PostgreSQL, a delivery",
        drained.cpu_us["worker"] + drained.cpu_us["postgres"],
        "µs",
    )
    findings.add("wal_bytes_per_delivery", "WAL, a delivery", drained.wal_bytes, "bytes")
    findings.add("worker_peak_memory_mib", "peak memory of the worker", drained.peak_memory_mib, "MiB")
    findings.faults += drained.faults
    return findings


def beside(stage: Stage) -> Findings:
    """The same endpoint, asked by others: PgQueuer, which is Python on PostgreSQL, and wrk, which does nothing but send."""
    findings = Findings()
    with nginx() as endpoint:
        _wrk(stage, endpoint, findings)
        _pgqueuer(stage, endpoint, findings)
    return findings


def _wrk(stage: Stage, endpoint: Nginx, findings: Findings) -> None:
    if not shutil.which("wrk"):
        findings.notes.append("wrk is not installed here, so the raw limit is missing; on Debian: apt-get install wrk")
        return
    stage.say("wrk")
    with tempfile.TemporaryDirectory(prefix="postrider-bench-wrk-") as folder:
        script = pathlib.Path(folder) / "post.lua"
        script.write_text(
            f'wrk.method = "POST"; wrk.body = string.rep("x", {PAYLOAD_BYTES}); wrk.headers["Content-Type"] = "application/json"\n'
            'function done(summary) io.write(string.format("%d %d\\n", summary.requests, summary.duration)) end\n'
        )
        said = subprocess.run(
            ["wrk", "-t1", f"-c{WRK_CONNECTIONS}", f"-d{WRK_SECONDS}s", "-s", script, endpoint.url],
            capture_output=True,
            text=True,
        )
    if said.returncode != 0:
        findings.notes.append(f"wrk failed: {said.stderr.strip()[-200:]}")
        return
    requests, duration_us = map(int, said.stdout.splitlines()[-1].split())
    findings.add(
        "wrk_requests_per_second",
        f"wrk, the raw limit: requests a second over {WRK_CONNECTIONS} connections",
        requests / duration_us * 1e6,
    )


def _pgqueuer(stage: Stage, endpoint: Nginx, findings: Findings) -> None:
    """As its documents show it, and with what made it fastest here: batches of 50, of 10 to 1,000 that were tried, and uvloop."""
    events = 5_000 if stage.is_quick else 20_000
    for key, title, options in (
        ("pgqueuer_default", "with its default batches of 10", ["10"]),
        ("pgqueuer", "at its fastest (batches of 50, uvloop)", ["50", "uvloop"]),
    ):
        stage.say(f"PgQueuer {title}")
        with postgres() as server:
            before = endpoint.requests()
            done = subprocess.run(
                [
                    sys.executable,
                    "-B",
                    "-m",
                    "bench.pgqueuer_drain",
                    server.url,
                    endpoint.url,
                    str(events),
                    str(PAYLOAD_BYTES),
                    *options,
                ],
                capture_output=True,
                text=True,
                cwd=ROOT,
                timeout=PATIENCE_S,
            )
            if done.returncode != 0:
                said = done.stderr.strip().splitlines() or ["it says nothing"]
                findings.notes.append(f"PgQueuer could not be measured: {said[-1][:200]}")
                return
            if (requests := endpoint.requests() - before) != events:
                findings.notes.append(f"PgQueuer made {requests:,} requests for {events:,} events.")
        figures = json.loads(done.stdout)
        findings.add(f"{key}_deliveries_per_second", f"PgQueuer {title}: deliveries a second", events / figures["seconds"])
        findings.add(
            f"{key}_cpu_us_per_delivery", "… its CPU (PostgreSQL apart), a delivery", figures["cpu_seconds"] / events * 1e6, "µs"
        )
    findings.notes.append(
        f"{figures['versions']}: one process, one connection to PostgreSQL, {events:,} events. It neither signs what it "
        "sends nor records single attempts."
    )


SCENE = Scene(
    "drain",
    "Drain",
    "One worker empties a queue of waiting events of 500 bytes, all to one endpoint. The worker, PostgreSQL with its "
    "default durability "
    "and the endpoint (nginx, `return 200`) share the cores. Beside it the same events sent by PgQueuer with asyncpg "
    "and aiohttp, and "
    "what wrk gets out of the same nginx without any database.",
    45,
    measure,
    beside,
    (
        Bars(
            "Deliveries a second",
            "",
            (
                ("Postrider", "deliveries_per_second"),
                ("PgQueuer", "pgqueuer_deliveries_per_second"),
                ("wrk, no database", "wrk_requests_per_second"),
            ),
        ),
        Bars(
            "CPU a delivery",
            "µs",
            (
                ("worker", "worker_cpu_us_per_delivery"),
                ("PostgreSQL", "postgres_cpu_us_per_delivery"),
                ("endpoint (nginx)", "endpoint_cpu_us_per_delivery"),
            ),
        ),
    ),
)
