"""What workers must outlive: death at each point from a claim to what follows its settle, and a clock that jumps."""

import dataclasses

from soak.faulty.edit import Edit, before
from soak.plan import Scene

_CLAIMER = "Sources/Worker/Claiming/Claimer.swift"
_TURN = "Sources/Courier/Engine/Courier+Turn.swift"
_CALLBACKS = "Sources/Courier/Engine/Transfer+Callbacks.swift"
_RECEIVER = "Sources/Worker/Settling/ResultReceiver.swift"
_SETTLER = "Sources/Worker/Settling/Settler.swift"
_CLOCK = "Sources/Courier/SystemClock.swift"


@dataclasses.dataclass(frozen=True)
class Trial:
    name: str
    says: str
    edits: tuple[Edit, ...]
    scene: Scene
    # What must have happened in the run so often, or it was no trial.
    fault: str = "crashed"
    least: int = 5


def _crash(name: str, says: str, *edits: Edit) -> Trial:
    return Trial(name, says, edits, Scene(seconds=10, quiet_s=2, patience_s=60, faults=frozenset(), switch=name, is_deadly=True))


TRIALS = (
    _crash(
        "after_claim", "workers die after the claim's commit",
        before(_CLAIMER, "parts.metrics.claimedDeliveries.increment(by: claimed.count)", 'FaultSwitch.crash(at: "after_claim", oneIn: 25)')),
    _crash(
        "after_connect", "workers die after a connection is made, before the request",
        before(_CALLBACKS, "guard ContinuousClock.now < request.mustStartBefore else {",
               'if progress.openedSocket { FaultSwitch.crash(at: "after_connect", oneIn: 8) }')),
    _crash(
        "after_request", "workers die after the request is written, before an answer",
        before(_TURN, "endOverdueLookUps()", 'if FaultSwitch.isOn("after_request"), active.contains(where: {\n'
               "$0.progress.end.wasSent && $0.progress.end.head.byteCount == 0\n"
               '}) { FaultSwitch.crash(at: "after_request", oneIn: 60) }')),
    _crash(
        "after_answer", "workers die after a 2xx is read",
        before(_RECEIVER, "var settlements: [Settlement] = []", "for result in results {\n"
               "if case .answered(let answer) = result.outcome, answer.status == 200 {\n"
               'FaultSwitch.crash(at: "after_answer", oneIn: 60) }\n}')),
    _crash(
        "before_settle", "workers die before the settle",
        before(_SETTLER, "let rows = try await parts.perform(.settle)", 'FaultSwitch.crash(at: "before_settle", oneIn: 40)')),
    _crash(
        "after_settle", "workers die after the settle's commit, before the worker knows",
        before(_SETTLER, "return recorded(batch, except: rows)", 'FaultSwitch.crash(at: "after_settle", oneIn: 40)')),
    Trial(
        "clock_stepped", "the clock of a worker jumps by ten minutes and back", (
            Edit(_CLOCK, "Int64(time.tv_nsec) / 1000", "Int64(time.tv_nsec) / 1000 + FaultSwitch.clockStep * 1_000_000"),),
        Scene(seconds=12, quiet_s=2, patience_s=60, faults=frozenset({"clock_stepped"}), pause=0.2, has_clock=True), "clock_stepped", 3),
)
