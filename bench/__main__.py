"""Measures Postrider: how fast it empties a queue and what that costs, how soon an event arrives, what idling costs.

Starts a throw-away PostgreSQL, nginx and a worker of the release build, and leaves nothing behind. Exits with 0 when every
event was delivered exactly once.
"""

import argparse
import contextlib
import json
import pathlib
import signal
import sys

from bench import report
from bench.latency import latency
from bench.profiling import Profile
from bench.throughput import throughput
from checks.harness.postgres import postgres
from checks.harness.processes import Failure
from checks.harness.product import built_executable


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executable", type=pathlib.Path, help="default: .build/release/postrider")
    parser.add_argument("--events", type=int, default=100_000, help="how many wait before the worker starts (default: 100000)")
    parser.add_argument("--latency-seconds", type=int, default=10, help="how long to publish 100 events a second; 0: not at all")
    parser.add_argument("--profile", action="store_true", help="say where the time goes (the figures get worse by it)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args()
    if not 1 <= given.events <= 10_000_000:
        parser.error("--events must be from 1 to 10000000")
    return given


def main() -> int:
    given = arguments()
    executable = given.executable.resolve() if given.executable else built_executable()
    settings = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "all"} if given.profile else {}
    profile = Profile()
    with postgres(**settings) as server:
        figures = throughput(
            executable, server, given.events, profile.aside if given.profile else lambda *_: contextlib.nullcontext())
        if given.latency_seconds > 0:
            figures |= {key: value for key, value in latency(executable, server, given.latency_seconds).items() if key != "events"}
    print(json.dumps(figures) if given.json else report.table(figures))
    if given.profile:
        print(profile.text, file=sys.stderr)
    faults = report.faults(figures)
    for fault in faults:
        print(f"bench: {fault}", file=sys.stderr)
    return 1 if faults else 0


def terminated(*_: object) -> None:
    """Lets every program that was started end too, as Ctrl-C does."""
    raise SystemExit("bench: terminated")


signal.signal(signal.SIGTERM, terminated)
try:
    sys.exit(main())
except Failure as failure:
    sys.exit(f"bench: {failure}")
except KeyboardInterrupt:
    sys.exit("bench: interrupted")
