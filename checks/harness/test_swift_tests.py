"""That a run of Swift tests is counted honestly: a test that did not pass is never counted as passed, however the run ends."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest

from checks.harness.swift_tests import Events, count
from checks.harness.tally import Tally

RESULTS = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="TestResults" errors="0" tests="3" failures="2" skipped="1" time="0.5">
    <testcase classname="CTests" name="alone()" time="0.1" />
    <testcase classname="BTests.One" name="many(n:)" time="0.1" />
    <testcase classname="BTests.One" name="off()" ><skipped>not here</skipped></testcase>
    <testcase classname="BTests.One" name="fails()" time="0.1" >
      <failure message="Expectation failed: (b &#8594; 1) == 2" />
      <failure message="second" />
    </testcase>
  </testsuite>
</testsuites>
"""
# What the process that died had written of RESULTS by then.
BEGUN = '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'


def test(name: str, kind: str = "function") -> str:
    return json.dumps({"kind": "test", "payload": {"id": name, "kind": kind}})


def event(kind: str, name: str, **more: object) -> str:
    return json.dumps({"kind": "event", "payload": {"kind": kind, "testID": name, **more}})


def issue(name: str, is_known: bool) -> str:
    return event("issueRecorded", name, issue={"isKnown": is_known, "sourceLocation": {"fileID": "B/T.swift", "line": 7}}, messages=[{"text": "1 == 2"}])


def counted(results: str | None, events: list[str]) -> tuple[str, str]:
    """The tally, and what was printed of single tests."""
    with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stdout(io.StringIO()) as printed:
        paths = pathlib.Path(directory, "results.xml"), pathlib.Path(directory, "events.jsonl")
        if results is not None:
            paths[0].write_text(results)
        paths[1].write_text("\n".join(events))
        tally = Tally()
        count(paths[0], Events(paths[1]), tally)
    return str(tally), printed.getvalue()


class SwiftTestsTests(unittest.TestCase):
    def test_a_run_that_ended(self) -> None:
        tally, printed = counted(RESULTS, [])
        self.assertEqual(tally, "2 passed, 1 failed")
        self.assertIn("skipped BTests.One.off(): not here", printed)
        self.assertIn("FAILED  BTests.One.fails(): Expectation failed: (b → 1) == 2\n        second", printed)

    def test_the_place_of_a_failure(self) -> None:
        _, printed = counted(RESULTS, [issue("BTests.One/fails()/T.swift:6:4", False)])
        self.assertIn("FAILED  BTests.One.fails(): B/T.swift:7: 1 == 2\n", printed)

    def test_a_process_that_died(self) -> None:
        tests = ["B.One/passes()/T.swift:1:1", "B.One/fails()/T.swift:2:1", "B.One/dies()/T.swift:3:1", "B.One/waits()/T.swift:4:1"]
        events = [
            test("B.One", "suite"), *map(test, tests), event("runStarted", ""), event("testStarted", "B.One"),
            *(event("testStarted", name) for name in tests[:3]),
            issue(tests[0], True), event("testEnded", tests[0]), issue(tests[1], False), event("testEnded", tests[1]),
            event("testCaseStarted", tests[2]), '{"kind":"event","payl',
        ]
        for results in (BEGUN, None):
            tally, printed = counted(results, events)
            self.assertEqual(tally, "1 passed, 2 failed")
            self.assertIn("FAILED  B.One.dies(): it was running when the process ended", printed)
            self.assertIn("FAILED  B.One.fails(): B/T.swift:7: 1 == 2", printed)

    def test_a_process_that_died_between_tests(self) -> None:
        name = "B.One/passes()/T.swift:1:1"
        tally, _ = counted(BEGUN, [test(name), event("testStarted", name), event("testEnded", name)])
        self.assertEqual(tally, "1 passed, 1 failed")

    def test_a_process_that_never_began(self) -> None:
        self.assertEqual(counted(None, [])[0], "0 passed, 1 failed")
