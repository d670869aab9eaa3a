"""Runs producers, workers and endpoints on a throw-away PostgreSQL under faults, and judges afterwards what the witnesses say.

Prints each invariant with what it looked at, the duplicates with their causes, and "N passed, M failed" at the end. Exits with 0 only
if every invariant looked at something and holds. A run is repeated with --seed; time makes each differ a little all the same.
"""

import argparse
import contextlib
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import psycopg

from checks.harness.postgres import own
from checks.harness.processes import Failure, adopt_orphans
from checks.harness.product import built_executable
from soak.chaos import Chaos, heal, looking
from soak.checker import DRAIN_LIMIT_S, Findings, judge
from soak.evidence import Evidence, collect
from soak.fleet import Member, fleet
from soak.journal import Journal
from soak.plan import HEADER_CANARY, MAX_ATTEMPTS, SCHEDULE, SECRET, TIMEOUT_S
from soak.producers import producers
from soak.proxy import proxy
from soak.receivers import receivers
from soak.servers import Pair, servers

# Problems of one invariant that are printed.
_SHOWN = 10


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="how long there are faults")
    parser.add_argument("--seed", type=int, default=None, help="of the faults, the endpoints and the producers")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--producers", type=int, default=3)
    parser.add_argument("--rate", type=float, default=15, help="transactions a second of each producer")
    parser.add_argument("--fail-overs", type=int, default=0, help="to an asynchronous standby, evenly over the time")
    parser.add_argument("--keep", metavar="FOLDER", help="keep the journals and the logs there")
    return parser.parse_args()


def main() -> int:
    adopt_orphans()
    options = arguments()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    print(f"seed {seed}", flush=True)
    root = pathlib.Path(tempfile.mkdtemp(prefix="postrider-soak-"))
    own(root)
    try:
        evidence = _play(options, seed, root)
    finally:
        if options.keep:
            shutil.copytree(root, options.keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns("data", "small"))
        subprocess.run(["umount", root / "small"], capture_output=True)
        shutil.rmtree(root, ignore_errors=True)
    return _report(evidence, judge(evidence))


def _play(options: argparse.Namespace, seed: int, root: pathlib.Path) -> Evidence:
    executable, journal = built_executable(), Journal(root / "chaos.jsonl")
    with contextlib.ExitStack() as stack:
        pair = stack.enter_context(servers(root, options.fail_overs > 0))
        urls = stack.enter_context(receivers(root / "receivers.jsonl", seed))
        _prepare(pair, executable, urls)
        disk = _small_disk(pair, root) if options.fail_overs == 0 else None
        wire = stack.enter_context(proxy(lambda: pair.primary.folder / ".s.PGSQL.5432", seed))
        direct = pair.url("soak_worker")
        proxied = f"postgresql://soak_worker@127.0.0.1:{wire.port}/postgres?connect_timeout=3&sslmode=disable&gssencmode=disable"
        databases = [proxied if number == 0 else direct for number in range(options.workers)]
        members = stack.enter_context(fleet(executable, databases, root, journal))
        with looking(pair, members, journal):
            with producers(options.producers, options.rate, pair.url("soak_producer"), root, seed):
                Chaos(pair, members, wire, journal, random.Random(seed), disk).run(options.seconds, options.fail_overs)
                heal(pair, members, journal)
            _send_all(pair, journal)
        shown = {f"the metrics of worker {member.number}": (member.ask("/metrics") or (0, ""))[1] for member in members}
        with pair.primary.connect() as connection:
            evidence = collect(root, connection, options.workers)
        evidence.shown |= shown
        return evidence


def _prepare(pair: Pair, executable: pathlib.Path, urls: dict[str, str]) -> None:
    """The schema belongs to a role that no one at work is a member of."""
    with pair.primary.connect() as connection:
        for statement in ("CREATE ROLE soak_owner LOGIN SUPERUSER", "CREATE ROLE soak_worker LOGIN", "CREATE ROLE soak_producer LOGIN"):
            connection.execute(statement)
        environment = {"POSTRIDER_DATABASE_URL": pair.primary.url("soak_owner")}
        done = subprocess.run([executable, "migrate"], env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(done.stderr)
        for statement in (
                "GRANT postrider_worker TO soak_worker", "GRANT postrider_producer TO soak_producer",
                "CREATE TABLE business (n bigint PRIMARY KEY)", "GRANT INSERT ON business TO soak_producer"):
            connection.execute(statement)
        for name, url in urls.items():
            connection.execute(
                "SELECT postrider.register_endpoint(%s, %s, '{soak.*}', secret => %s, timeout => make_interval(secs => %s),"
                " retry_schedule => %s::text::interval[], max_attempts => %s, headers => ARRAY[%s])",
                (name, url, SECRET, TIMEOUT_S, "{" + SCHEDULE + "}", MAX_ATTEMPTS, f"X-Canary: {HEADER_CANARY}"))


def _small_disk(pair: Pair, root: pathlib.Path) -> pathlib.Path | None:
    """Attempts of today on a small file system, which a fault fills. None where nothing may be mounted."""
    disk = root / "small"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "soak", disk], capture_output=True).returncode != 0:
        print("no file system may be mounted here, so no disk gets full", flush=True)
        return None
    space = disk / "space"
    space.mkdir()
    own(space)
    with pair.primary.connect() as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{space}'".encode())
        today = connection.execute("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')").fetchone()
        if today is not None:
            connection.execute(f"ALTER TABLE postrider.attempts_p{today[0]} SET TABLESPACE small".encode())
    return disk


def _send_all(pair: Pair, journal: Journal) -> None:
    """Waits until nothing is owed."""
    began = time.monotonic()
    left = -1
    while time.monotonic() - began < 2 * DRAIN_LIMIT_S and left != 0:
        time.sleep(0.5)
        with contextlib.suppress(psycopg.Error), pair.primary.connect() as connection:
            row = connection.execute("SELECT count(*) FROM postrider.deliveries").fetchone()
            left = int(str(row[0])) if row else -1
    journal.note("all_sent", took_s=round(time.monotonic() - began, 2), left=left)


def _report(evidence: Evidence, findings: Findings) -> int:
    faults: dict[str, int] = {}
    for span in evidence.faults:
        faults[span.name] = faults.get(span.name, 0) + 1
    print(f"{len(evidence.kept)} events, {len(evidence.requests)} requests in {evidence.lasted_s:.0f} s; faults: "
          + ", ".join(f"{name} {count}" for name, count in sorted(faults.items())))
    print("sent again after a 2xx, by cause: " + (", ".join(f"{name} {count}" for name, count in sorted(findings.duplicates.items())) or "none"))
    print(f"dead letters: {findings.dead}")
    if evidence.fail_overs:
        print(f"committed and lost by asynchronous replication in {evidence.fail_overs} fail-overs: {findings.lost_by_fail_over} events")
    failed = 0
    for verdict in findings.verdicts:
        holds = verdict.checked > 0 and not verdict.problems
        failed += not holds
        print(f"{'ok    ' if holds else 'FAILED'}  {verdict.name:7} {verdict.title}: {verdict.checked} looked at, {len(verdict.problems)} broken")
        for problem in verdict.problems[:_SHOWN]:
            print(f"        {problem}")
    print(f"{len(findings.verdicts) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
