"""Runs producers, workers and endpoints on a throw-away PostgreSQL under faults, and judges afterwards what the witnesses say.

Prints each invariant with what it looked at, the duplicates with their causes, and "N passed, M failed" at the end. Exits with 0 only
if every invariant looked at something and holds. A run is repeated with --seed; time makes each differ a little all the same.
"""

import argparse
import random
import sys

from checks.harness.processes import adopt_orphans
from checks.harness.product import built_executable
from soak.checker import Findings, after_fail_overs, judge, most_held
from soak.evidence import Evidence
from soak.night import play
from soak.plan import Scene

# Problems of one invariant that are printed.
_SHOWN = 10
# The pause between two ends of workers there: they live through fail-overs, so that their connections must find the new primary.
_SELDOM_S = 8
# What is played beside fail-overs by Patroni: not what it would take for one, and connections used up would keep it out too.
_BESIDE_PATRONI = frozenset({
    "killed", "suspended", "sessions_ended", "lanes_locked", "preview_left_open", "acts_at_once", "network_slow", "network_reset", "pooler_restarted"})


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="how long there are faults")
    parser.add_argument("--seed", type=int, default=None, help="of the faults, the endpoints and the producers")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--producers", type=int, default=3)
    parser.add_argument("--rate", type=float, default=15, help="transactions a second of each producer")
    parser.add_argument("--fail-overs", type=int, default=0, help="to a standby, evenly over the time")
    parser.add_argument("--patroni", action="store_true", help="let Patroni do the fail-overs, with etcd and HAProxy")
    parser.add_argument("--synchronous", action="store_true", help="commits wait for the standby, so that a fail-over loses none")
    parser.add_argument(
        "--fault", metavar="NAME", help="a crash point (soak/faulty) of the test build that POSTRIDER_BIN names: workers die there too")
    parser.add_argument("--keep", metavar="FOLDER", help="keep the journals and the logs there")
    return parser.parse_args()


def main() -> int:
    adopt_orphans()
    options = arguments()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    print(f"seed {seed}", flush=True)
    scene = Scene(seconds=options.seconds, workers=options.workers, producers=options.producers, rate=options.rate,
                  fail_overs=options.fail_overs, by_patroni=options.patroni, is_synchronous=options.synchronous,
                  faults=_BESIDE_PATRONI if options.patroni else None,
                  end_pause_s=_SELDOM_S if options.patroni else Scene.end_pause_s, switch=options.fault, is_deadly=options.fault is not None)
    evidence = play(scene, seed, built_executable(), options.keep)
    return _report(evidence, judge(evidence))


def _report(evidence: Evidence, findings: Findings) -> int:
    faults: dict[str, int] = {}
    for span in evidence.faults:
        faults[span.name] = faults.get(span.name, 0) + 1
    print(f"{len(evidence.kept)} events, {len(evidence.requests)} requests in {evidence.lasted_s:.0f} s; faults: "
          + ", ".join(f"{name} {count}" for name, count in sorted(faults.items())))
    print("sent again after a 2xx, by cause: " + (", ".join(f"{name} {count}" for name, count in sorted(findings.duplicates.items())) or "none"))
    print(f"dead letters: {findings.dead}")
    if evidence.fail_overs:
        how = "synchronous" if evidence.scene.is_synchronous else "asynchronous"
        print(f"committed and lost by {how} replication in {evidence.fail_overs} fail-overs: {findings.lost_by_fail_over} events")
        took = ", ".join(f"{took_s:.1f}" for took_s in after_fail_overs(evidence))
        returned = ", ".join(str(look["how"]) for look in evidence.looks if look["what"] == "returned")
        print(f"seconds from each promotion to the first new event: {took}" + (f"; the old primary {returned}" if returned else ""))
    print("the most that a worker held: {} MiB, {} descriptors, {} threads".format(*most_held(evidence)))
    failed = 0
    for verdict in findings.verdicts:
        holds = verdict.checked > 0 and not verdict.problems
        failed += not holds
        print(f"{'ok    ' if holds else 'FAILED'}  {verdict.name:7} {verdict.title}: {verdict.checked} looked at, {len(verdict.problems)} broken")
        for problem in verdict.problems[:_SHOWN]:
            print(f"        {problem}")
    passed = len(findings.verdicts) - failed
    if evidence.scene.is_deadly and "crashed" not in faults:
        failed += 1
        print(f"FAILED  no worker died at {evidence.scene.switch}: is POSTRIDER_BIN the test build, and is that a crash point of it?")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
