"""What `examples/payments/run` runs."""

import sys

from checks.examples.payments import SHOPS, check
from checks.harness.processes import Failure, adopt_orphans
from checks.harness.tally import Tally

language = sys.argv[1] if len(sys.argv) > 1 else "python"
if language not in SHOPS or len(sys.argv) > 2:
    sys.exit(f"usage: examples/payments/run [{'|'.join(SHOPS)}]")
adopt_orphans()
tally = Tally()
try:
    check(language, tally)
except Failure as failure:
    sys.exit(str(failure))
sys.exit(1 if tally.failed else 0)
