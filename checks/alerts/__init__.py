"""Each alert rings on a running worker with its fault made for real, and falls silent when the fault is repaired. Named only: it takes
four minutes."""

from checks.alerts import ringing
from checks.harness.options import Options
from checks.harness.tally import Tally


def check(tally: Tally, _: Options) -> None:
    ringing.check(tally)
