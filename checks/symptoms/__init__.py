"""The table of docs/operations/symptoms.md: each trouble is made for real on a running worker, its first sign must be there as soon as the
table says, and the table's commands must lead to the cause."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from checks import ROOT
from checks.harness.options import Options
from checks.harness.processes import Failure, wait_until
from checks.harness.tally import Tally
from checks.symptoms import page
from checks.symptoms.page import Look, Row
from checks.symptoms.troubles import SLOW, TROUBLES
from checks.symptoms.world import Named, World, world

PAGE = ROOT / "docs/operations/symptoms.md"


def check(tally: Tally, options: Options) -> None:
    rows = page.rows(PAGE.read_text())
    for row in rows:
        if row.trouble not in TROUBLES:
            tally.check(row.trouble, "checks/symptoms cannot make it")
    with world() as made:
        for row in rows:
            if row.trouble in TROUBLES and not (options.quick and row.trouble in SLOW):
                _play(tally, made, row)


def _play(tally: Tally, made: World, row: Row) -> None:
    made.wait_until_well()
    with _trouble(made, row) as (named, began):
        if named is None:
            print(f"not made: {row.trouble}: no file system may be mounted here")
            return
        try:
            wait_until(f"`{row.sign.command}` says `{row.sign.text}`", lambda: made.says(row.sign, named), row.within_s, 0.2)
        except Failure as failure:
            tally.check(row.trouble, f"{failure}; it says: {made.output(row.sign, named)[-1500:]}")
            return
        print(f"        {row.trouble}: {time.monotonic() - began:.1f} s", flush=True)
        for look in row.looks:
            # What a worker tells of itself is up to five seconds old; an attempt in flight has to end.
            problem = _problem(made, look, named)
            if problem:
                tally.check(row.trouble, problem)
                return
        tally.check(row.trouble, None)


def _problem(made: World, look: Look, named: Named) -> str | None:
    try:
        wait_until("it", lambda: made.says(look, named), 10, 0.5)
    except Failure:
        return f"`{look.command}` does not say `{look.text}` but: {made.output(look, named)[-1500:]}"
    return None


@contextmanager
def _trouble(made: World, row: Row) -> Iterator[tuple[Named | None, float]]:
    """Makes it, and repairs it afterwards. The clock runs from where it is made."""
    with TROUBLES[row.trouble](made) as named:
        yield named, made.began
