"""The examples, run as a person would: a shop and its receiver; a shop and its payment provider; the gateways before an inbox."""

import subprocess

from checks import ROOT
from checks.examples import gateways, orders, payments
from checks.examples.orders import LANGUAGES
from checks.harness.options import Options
from checks.harness.tally import Tally

__all__ = ["LANGUAGES"]


def check(tally: Tally, options: Options) -> None:
    if "swift" in options.languages:
        subprocess.run(
            ["swift", "build", "--package-path", ROOT / "examples/swift", "--scratch-path", ROOT / ".build/examples"],
            check=True, stdout=subprocess.DEVNULL)
    for language in options.languages:
        orders.check(language, tally)
        payments.check(language, tally)
    gateways.check(tally)
