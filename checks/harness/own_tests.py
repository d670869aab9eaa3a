"""The tests of the checks themselves: every test_*.py below checks/ and soak/. They need no database."""

import sys
import unittest

from checks import ROOT
from checks.harness.options import Options
from checks.harness.tally import Tally


def check(tally: Tally, _: Options) -> None:
    tests = unittest.TestSuite(
        unittest.defaultTestLoader.discover(str(ROOT / area), top_level_dir=str(ROOT)) for area in ("checks", "soak"))
    result = unittest.TestResult()
    tests.run(result)
    problems = [*result.failures, *result.errors]
    for test, problem in problems:
        tally.check(str(test), problem)
    held = result.testsRun - len({test for test, _ in problems}) - len(result.skipped)
    tally.count(held)
    print(f"{held} tests of the checks themselves hold", file=sys.stdout)
