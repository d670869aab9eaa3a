"""Counts what one run of `swift test` proved: `python3 -m checks.harness.swift_tests RESULTS EVENTS`.

RESULTS is what `--xunit-output` wrote: a line for each test. Swift Testing finishes that file when the run ends, so a process
that died leaves only its first lines. EVENTS is what `--event-stream-output-path` wrote, a line of JSON as each thing happens:
it tells where a test failed, and after a death what had passed until then and what was running. Prints what failed, and
"N passed, M failed" as its last line.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree
from typing import Any

from checks.harness.tally import Tally


class Events:
    """The stream of one run, up to where it was cut off. A test is named `Target.Suite.function()`."""

    def __init__(self, path: pathlib.Path) -> None:
        self.issues: dict[str, list[str]] = {}
        self.ended: list[str] = []
        # A dictionary keeps the order in which they began.
        self.running: dict[str, None] = {}
        self._functions: set[str] = set()
        for line in path.read_text(errors="replace").splitlines() if path.exists() else []:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            self._take(record["kind"], record["payload"])

    def _take(self, kind: str, payload: dict[str, Any]) -> None:
        # An identifier ends with the place of the test: Target.Suite/function()/File.swift:5:4
        name = payload.get("id" if kind == "test" else "testID", "").rpartition("/")[0].replace("/", ".")
        match (kind, payload.get("kind")):
            case ("test", "function"):
                self._functions.add(name)
            case ("event", "testStarted") if name in self._functions:
                self.running[name] = None
            case ("event", "testEnded") if name in self.running:
                del self.running[name]
                self.ended.append(name)
            case ("event", "issueRecorded") if not payload["issue"].get("isKnown"):
                place = payload["issue"].get("sourceLocation") or {"fileID": "somewhere", "line": 0}
                text = "; ".join(message["text"] for message in payload["messages"])
                self.issues.setdefault(name, []).append(f"{place['fileID']}:{place['line']}: {text}")


def count(results: pathlib.Path, events: Events, tally: Tally) -> None:
    try:
        tests = ElementTree.parse(results).getroot().iter("testcase")
    except (OSError, ElementTree.ParseError):
        _count_interrupted(events, tally)
        return
    for test in tests:
        name = f"{test.get('classname')}.{test.get('name')}"
        if failures := test.findall("failure"):
            tally.check(name, "\n".join(events.issues.get(name) or [failure.get("message") or "it failed" for failure in failures]))
        elif (skipped := test.find("skipped")) is not None:
            print(f"skipped {name}: {skipped.text or ''}")
        else:
            tally.count(1)


def _count_interrupted(events: Events, tally: Tally) -> None:
    """What began and did not end is lost, and counts as failed."""
    for name in events.ended:
        if name in events.issues:
            tally.check(name, "\n".join(events.issues[name]))
        else:
            tally.count(1)
    for name in events.running:
        tally.check(name, "\n".join(["it was running when the process ended", *events.issues.get(name, [])]))
    if not events.running:
        tally.check("swift test", "the process ended before it wrote its results")


if __name__ == "__main__":
    found = Tally()
    count(pathlib.Path(sys.argv[1]), Events(pathlib.Path(sys.argv[2])), found)
    print(found)
    sys.exit(1 if found.failed else 0)
