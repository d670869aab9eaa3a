"""Measures Postrider, scene by scene, on throw-away databases, and leaves nothing behind.

Prints a table a scene, and how far it is on standard error. With --base it measures another executable in the same run, in turn,
and prints ratios: only those are comparable between machines and between days. Exits with 0 when every event was delivered, and
exactly once where that is counted.
"""

import argparse
import datetime
import pathlib
import signal
import sys
import time

from bench import page, report, results
from bench.addresses import raise_descriptor_limit
from bench.findings import Findings, medians
from bench.machine import executable_version, machine, postgres_version
from bench.profiling import Profile
from bench.results import Played
from bench.scene import Scene
from bench.scenes import SCENES
from bench.stage import Stage
from checks.harness.postgres import postgres
from checks.harness.processes import Failure
from checks.harness.product import built_executable


def arguments() -> argparse.Namespace:
    listed = "\n".join(f"  {name:<12}{scene.title}, about {scene.seconds} s" for name, scene in SCENES.items())
    parser = argparse.ArgumentParser(
        prog="bench/run", description=__doc__, epilog=f"scenes:\n{listed}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help="default: all of them")
    parser.add_argument("--executable", type=pathlib.Path, help="default: .build/release/postrider")
    parser.add_argument("--base", type=pathlib.Path, metavar="PATH", help="another executable to compare with")
    parser.add_argument("--quick", action="store_true", help="shorter scenes, which say less")
    parser.add_argument("--long", action="store_true", help="horizon: ten minutes each; backlog: ten million events too")
    parser.add_argument(
        "--rounds", type=int, default=1, metavar="N", help="play each scene so often and give medians (default: 1)"
    )
    parser.add_argument(
        "--events", type=int, default=0, help="drain: how many wait before the worker starts (default: 100000, quick 30000)"
    )
    parser.add_argument("--profile", action="store_true", help="drain: say where the time goes (the figures get worse by it)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument(
        "--page",
        type=pathlib.Path,
        metavar="PAGE.md",
        help="put the figures among those of earlier runs, and write the page with all of them and its pictures",
    )
    parser.add_argument(
        "--redraw", action="store_true", help="with --page: measure nothing, write the page of the figures that are kept"
    )
    given = parser.parse_args()
    if unknown := [name for name in given.scenes if name not in SCENES]:
        parser.error(f"there is no scene {unknown[0]}; there are {', '.join(SCENES)}")
    if not 0 <= given.events <= 10_000_000 or not 1 <= given.rounds <= 100:
        parser.error("--events must be from 1 to 10000000, --rounds from 1 to 100")
    if given.redraw and not given.page:
        parser.error("--redraw needs --page")
    return given


class Run:
    """All scenes that were asked for, one after the other."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.executable: pathlib.Path = given.executable.resolve() if given.executable else built_executable()
        self.base: pathlib.Path | None = given.base.resolve() if given.base else None
        self.profile = Profile() if given.profile else None
        with postgres() as server:
            self.circumstances = machine() | {
                "postgres": postgres_version(server),
                "executable": executable_version(self.executable),
                "base": executable_version(self.base) if self.base else "",
                "kind": "quick" if given.quick else "long" if given.long else "normal",
                "rounds": str(given.rounds),
            }

    def play(self, scene: Scene) -> Played:
        rounds: list[Findings] = []
        of_base: list[Findings] = []
        for _ in range(self.given.rounds):
            rounds.append(self._measure(scene, self.executable, ""))
            if self.base:
                of_base.append(self._measure(scene, self.base, " base"))
        beside = None
        if scene.beside:
            beside = scene.beside(self._stage(scene.name + " beside", self.executable))
        return Played(
            medians(rounds),
            medians(of_base) if of_base else None,
            beside,
            self.circumstances | {"date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")},
        )

    def _measure(self, scene: Scene, executable: pathlib.Path, suffix: str) -> Findings:
        """A scene that cannot go on is told as a fault, and the others are played."""
        try:
            return scene.measure(self._stage(scene.name + suffix, executable))
        except Failure as failure:
            return Findings(faults=[str(failure)])

    def _stage(self, name: str, executable: pathlib.Path) -> Stage:
        began = time.monotonic()

        def say(what: str) -> None:
            print(f"{name:<20}{time.monotonic() - began:>5.0f} s  {what}", file=sys.stderr, flush=True)

        events = self.given.events or (30_000 if self.given.quick else 100_000)
        return Stage(executable, self.given.quick, self.given.long, events, say, self.profile)


def main() -> int:
    given = arguments()
    raise_descriptor_limit()
    played: results.Results = {}
    if not given.redraw:
        run = Run(given)
        for name in given.scenes or SCENES:
            played[name] = run.play(SCENES[name])
            if not given.json:
                print(report.table(SCENES[name], played[name]) + "\n", flush=True)
            if given.page:
                page.write(given.page, results.read(page.results_path(given.page)) | played, SCENES)
        if run.profile:
            print(run.profile.text, file=sys.stderr)
    elif given.page:
        page.write(given.page, results.read(page.results_path(given.page)), SCENES)
    if given.json:
        print(results.as_json(played), end="")
    faults = [f"{name}: {fault}" for name, one in played.items() for fault in one.measured.faults]
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
