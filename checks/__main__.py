"""Checks the built product from outside, area by area, on throw-away databases.

Prints a line for each check, then the sums: "AREA: N passed, M failed" for each area, and "N passed, M failed" at the end.
Exits with 0 only if nothing failed and every area checked something.
"""

import argparse
import signal
import sys
import time
import traceback

from checks import (
    alerts, api, command_line, deployment, documents, examples, hostile, image, migrations, receiving, release, signatures,
    symptoms)
from checks.harness import own_tests
from checks.harness.options import Options
from checks.harness.processes import Failure, adopt_orphans
from checks.harness.tally import Tally

AREAS = {
    "harness": own_tests.check,
    "documents": documents.check,
    "command-line": command_line.check,
    "migrations": migrations.check,
    "deployment": deployment.check,
    "examples": examples.check,
    "alerts": alerts.check,
    "hostile": hostile.check,
    "signatures": signatures.check,
    "receiving": receiving.check,
    "api": api.check,
    "symptoms": symptoms.check,
    "image": image.check,
    "release": release.check,
}
# They run only when they are named: alerts and symptoms take minutes; the others build in release inside a container and need root and packages of
# Debian.
ONLY_WHEN_NAMED = ("alerts", "symptoms", "image", "release")


def arguments() -> tuple[list[str], Options]:
    parser = argparse.ArgumentParser(
        prog="checks/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("areas", nargs="*", metavar="AREA",
                        help=f"of {', '.join(AREAS)}; default: all but {', '.join(sorted(ONLY_WHEN_NAMED))}")
    parser.add_argument("--page", action="append", default=[], metavar="PAGE.md",
                        help="documents: only this page (may be repeated); default: README.md and docs/, decisions apart")
    parser.add_argument("--all-languages", action="store_true", help="documents: JavaScript, Go and Java too")
    parser.add_argument("--language", action="append", default=[], choices=examples.LANGUAGES,
                        help="examples: only this language (may be repeated)")
    parser.add_argument("--quick", action="store_true", help="symptoms: without those that take long")
    parser.add_argument("--image", metavar="NAME", help="release: of this image, rather than building one")
    given = parser.parse_args()
    if unknown := [area for area in given.areas if area not in AREAS]:
        parser.error(f"there is no area {unknown[0]}; there are {', '.join(AREAS)}")
    areas = given.areas or [area for area in AREAS if area not in ONLY_WHEN_NAMED]
    return areas, Options(given.page, given.all_languages, given.language or list(examples.LANGUAGES), given.image,
                          given.quick)


def check(area: str, options: Options) -> Tally:
    """Runs one area. An area that breaks down counts as one more failure, and the others go on."""
    print(f"==> {area}", flush=True)
    began, tally = time.monotonic(), Tally()
    try:
        AREAS[area](tally, options)
    except Failure as failure:
        tally.check(area, str(failure))
    except Exception:
        tally.check(area, traceback.format_exc())
    if tally.passed + tally.failed == 0:
        tally.check(area, "nothing was checked")
    print(f"    done in {time.monotonic() - began:.0f} s", flush=True)
    return tally


def end(*_: object) -> None:
    """Lets every program that was started end too, as Ctrl-C does."""
    raise SystemExit("checks: terminated")


def main() -> int:
    signal.signal(signal.SIGTERM, end)
    adopt_orphans()
    areas, options = arguments()
    tallies = {area: check(area, options) for area in areas}
    for area, tally in tallies.items():
        print(f"{area}: {tally}")
    total = Tally(sum(tally.passed for tally in tallies.values()), sum(tally.failed for tally in tallies.values()))
    print(total)
    return 1 if total.failed else 0


sys.exit(main())
