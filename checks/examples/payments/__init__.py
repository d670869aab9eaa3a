"""examples/payments: a shop and its payment provider, and nginx before the shop's inbox."""

import sys

from checks import ROOT
from checks.examples.payments.stage import stage
from checks.examples.payments.story import Story
from checks.harness.tally import Tally

# The shop's program. `order NUMBER AMOUNT CARD` and `receive` come behind it.
SHOPS = {
    "python": [sys.executable, ROOT / "examples/payments/shop.py"],
    "swift": [ROOT / ".build/examples/debug/PaymentShop"],
}


def check(language: str, tally: Tally) -> None:
    """Plays the story, which prints what happens, and counts what must hold in it."""
    with stage(SHOPS[language]) as scene:
        for what, problem in Story(scene).tell():
            tally.check(f"payments, {language}: {what}", problem)
