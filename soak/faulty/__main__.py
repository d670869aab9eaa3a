"""Runs the soak on a test build whose workers suffer named faults, and on one with named mutants.

In each trial every invariant must hold. Each mutant must break the invariant that is named for it, and the same scene without it
must break none. Everything runs in a network of its own without a way out. Prints a line for each run, and "N passed, M failed" at the end.
"""

import argparse
import os
import pathlib
import sys
import time
from collections.abc import Iterator

from checks.documents.network import own_network
from checks.harness.processes import Failure, adopt_orphans
from soak.checker import Findings, judge
from soak.evidence import Evidence
from soak.faulty.build import build, read
from soak.faulty.edit import EditLost, functions
from soak.faulty.mutants import MUTANTS, Mutant
from soak.faulty.trials import TRIALS, Trial
from soak.night import play
from soak.plan import Scene

# Problems of one invariant that are printed.
_SHOWN = 3


class Runs:
    def __init__(self, executable: pathlib.Path, seed: int, keep: str | None) -> None:
        self._executable, self._seed, self._keep = executable, seed, keep
        self.passed = self.failed = 0

    def outlive(self, trial: Trial) -> None:
        evidence, findings, took_s = self._play(trial.name, trial.scene)
        count = sum(span.name == trial.fault for span in evidence.faults)
        problems = list(_broken(findings))
        if count < trial.least:
            problems.append("that is too seldom")
        again = sum(findings.duplicates.values())
        self._report(f"{trial.name}: {trial.says}: {count} times, {len(evidence.requests)} requests, {again} sent again after a 2xx",
                     took_s, problems)

    def sound(self, scene: Scene, mutants: list[Mutant]) -> None:
        """The scene without its mutants: nothing may break, and what they are to break must be looked at."""
        names = ", ".join(mutant.name for mutant in mutants)
        _, findings, took_s = self._play(f"without-{mutants[0].name}", scene)
        problems = list(_broken(findings))
        checked = {verdict.name for verdict in findings.verdicts if verdict.checked}
        problems += [f"{mutant.breaks} looked at nothing" for mutant in mutants if mutant.breaks not in checked]
        self._report(f"without {names}: all holds", took_s, problems)

    def mutate(self, mutant: Mutant) -> None:
        sql = tuple(functions(mutant.sql, read))
        scene = _with(mutant.scene, switch=mutant.name if mutant.edits else None, sql=sql)
        _, findings, took_s = self._play(mutant.name, scene)
        broken = {verdict.name: verdict.problems for verdict in findings.verdicts if verdict.problems}
        problems = [] if mutant.breaks in broken else [f"{mutant.breaks} holds all the same; broken: {', '.join(broken) or 'none'}"]
        count = len(broken.get(mutant.breaks, []))
        others = ", ".join(name for name in broken if name != mutant.breaks) or "none"
        self._report(f"{mutant.name}: {mutant.says}: breaks {mutant.breaks} {count} times (others: {others})", took_s, problems)

    def _play(self, name: str, scene: Scene) -> tuple[Evidence, Findings, float]:
        began = time.monotonic()
        evidence = play(scene, self._seed, self._executable, f"{self._keep}/{name}" if self._keep else None)
        return evidence, judge(evidence), time.monotonic() - began

    def _report(self, line: str, took_s: float, problems: list[str]) -> None:
        self.passed += not problems
        self.failed += bool(problems)
        print(f"{'FAILED' if problems else 'ok    '}  {line} ({took_s:.0f} s)", flush=True)
        for problem in problems:
            print(f"        {problem}", flush=True)


def _with(scene: Scene, **fields: object) -> Scene:
    return Scene(**(vars(scene) | fields))


def _broken(findings: Findings) -> Iterator[str]:
    for verdict in findings.verdicts:
        for problem in verdict.problems[:_SHOWN]:
            yield f"{verdict.name} is broken {len(verdict.problems)} times: {problem}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak/faulty/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of trials and mutants; default: all")
    parser.add_argument("--seed", type=int, default=1, help="of the faults, the endpoints and the producers")
    parser.add_argument("--build-only", action="store_true")
    parser.add_argument("--keep", metavar="FOLDER", help="keep the journals and the logs there")
    given = parser.parse_args()
    known = [one.name for one in (*TRIALS, *MUTANTS)]
    if unknown := [name for name in given.names if name not in known]:
        parser.error(f"there is no {unknown[0]}; there are {', '.join(known)}")
    given.names = given.names or known
    return given


def main() -> int:
    adopt_orphans()
    options = arguments()
    try:
        executable = build()
        if options.build_only:
            return 0
        runs, outside = Runs(executable, options.seed, options.keep), _network()
        with own_network():
            if _network() == outside:
                raise Failure("a network of its own takes root, and without one nothing is sent")
            _run(runs, options.names)
    except (EditLost, Failure) as problem:
        print(f"soak/faulty: {problem}", file=sys.stderr)
        return 1
    print(f"{runs.passed} passed, {runs.failed} failed")
    return 1 if runs.failed else 0


def _network() -> str:
    return os.readlink("/proc/thread-self/ns/net")


def _run(runs: Runs, names: list[str]) -> None:
    for trial in TRIALS:
        if trial.name in names:
            runs.outlive(trial)
    scenes: dict[Scene, list[Mutant]] = {}
    for mutant in MUTANTS:
        if mutant.name in names:
            scenes.setdefault(mutant.scene, []).append(mutant)
    for scene, mutants in scenes.items():
        runs.sound(scene, mutants)
        for mutant in mutants:
            runs.mutate(mutant)


sys.exit(main())
