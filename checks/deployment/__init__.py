"""What deploy/ promises: its formats, and what its alerts and its dashboard ask of a running worker."""

from checks.deployment import formats, kubernetes, metrics
from checks.harness.options import Options
from checks.harness.tally import Tally


def check(tally: Tally, _: Options) -> None:
    formats.check(tally)
    kubernetes.check(tally)
    metrics.check(tally)
