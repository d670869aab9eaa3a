"""Each invariant is broken once: a checker that says yes to everything proves nothing."""

import dataclasses
import unittest
from collections.abc import Callable

from soak.checker import judge
from soak.evidence import Attempt, Evidence, Request, Span
from soak.fleet import DESCRIPTORS
from soak.plan import ELSEWHERE, ENDPOINTS, FORBIDDEN, SECRET, Scene

_SHA = "5e"


def sound() -> Evidence:
    """Two events of one key and one without, which every endpoint took; the first one at `failing` and `cutting` only at its second attempt."""
    evidence = Evidence(committed={1, 2, 5}, kept={1, 2, 5}, rolled_back={3}, committed_at={5: 50}, lasted_s=10)
    evidence.meant = {n: {"n": n, "key": None if n == 5 else "k", "sha256": _SHA} for n in (1, 2, 3, 5)}
    for n in (1, 2, 5):
        for endpoint in ENDPOINTS:
            is_repeated = n == 1 and endpoint in ("failing", "cutting")
            tokens = {1: Attempt("retry", "http_status", n, n), 2: Attempt("delivered", None, n + 2, n + 2)} if is_repeated else {
                1: Attempt("delivered", None, n, n)}
            for token, attempt in tokens.items():
                status = 200 if attempt.outcome == "delivered" else 500
                evidence.requests.append(Request(endpoint, f"evt_{n}", token, n, _SHA, None, 10 * n + token, 10 * n + token + 0.1, status))
            evidence.attempts[n, endpoint] = tokens
            evidence.states[n, endpoint] = ("delivered", len(tokens))
    evidence.looks = [
        {"t": 5, "what": "looked", "worker": 0, "live": 200, "age_s": 9, "rss_mib": 50, "descriptors": 60, "threads": 12},
        {"t": 6, "what": "drained", "worker": 0, "status": 0, "took_s": 1},
        {"t": 7, "what": "transactions", "longest_s": 0.1, "sessions": 4},
        {"t": 8, "what": "ready_again", "took_s": 1}, {"t": 9, "what": "all_sent", "took_s": 3},
    ]
    evidence.logs = {0: [{"message": "the worker is ready"}]}
    return evidence


def broken(evidence: Evidence) -> set[str]:
    return {verdict.name for verdict in judge(evidence).verdicts if verdict.problems or not verdict.checked}


class CheckerTests(unittest.TestCase):
    def test_sound_evidence_holds(self) -> None:
        self.assertEqual(broken(sound()), set())

    def test_each_fault_breaks_its_invariant(self) -> None:
        for name, spoil in _SPOILED.items():
            with self.subTest(name):
                evidence = sound()
                spoil(evidence)
                self.assertIn(name.split(":")[0], broken(evidence))

    def test_a_forbidden_address_that_no_one_dials_holds(self) -> None:
        evidence = sound()
        _forbid(evidence, trespasses=0)
        self.assertEqual(broken(evidence), set())

    def test_a_duplicate_is_excused_by_its_cause_alone(self) -> None:
        evidence = sound()
        _lose_the_record(evidence)
        self.assertIn("I5b", broken(evidence))
        evidence.faults.append(Span("killed", 12, 12))
        findings = judge(evidence)
        self.assertEqual(broken(evidence), set())
        self.assertEqual(findings.duplicates, {"killed": 1})

    def test_only_a_fail_over_to_an_asynchronous_standby_may_lose_what_was_committed(self) -> None:
        evidence = sound()
        evidence.committed.add(4)
        self.assertEqual(broken(evidence), {"I1"})
        _fail_over(evidence, 45)
        findings = judge(evidence)
        self.assertEqual(broken(evidence), set())
        self.assertEqual(findings.lost_by_fail_over, 1)
        evidence.scene = Scene(fail_overs=1, is_synchronous=True)
        self.assertEqual(broken(evidence), {"I1"})


def _lose_the_record(evidence: Evidence) -> None:
    """`failing` answered the first attempt with 200, and no one recorded it."""
    first = next(request for request in evidence.requests if request.endpoint == "failing")
    first.status = 200
    evidence.attempts[1, "failing"][1] = Attempt("retry", "lost_lease", 1, 1)


def _fail_over(evidence: Evidence, *promoted: float) -> None:
    evidence.fail_overs = len(promoted)
    evidence.looks += [{"t": at, "what": "promoted", "after_silence": False} for at in promoted]


def _look(evidence: Evidence, what: str, **fields: object) -> None:
    next(look for look in evidence.looks if look["what"] == what).update(fields)


def _first(evidence: Evidence, **fields: object) -> None:
    evidence.requests[0] = dataclasses.replace(evidence.requests[0], **fields)  # type: ignore[arg-type]


def _lose_beside(fault: str) -> Callable[[Evidence], None]:
    def spoil(evidence: Evidence) -> None:
        evidence.attempts[2, "steady"].clear()
        evidence.faults.append(Span(fault, 20, 22))
    return spoil


def _forbid(evidence: Evidence, trespasses: int) -> None:
    """With an endpoint whose name leads to a forbidden address, which was tried in vain."""
    evidence.scene = Scene(has_forbidden=True)
    evidence.trespasses = trespasses
    for n in evidence.kept:
        evidence.attempts[n, FORBIDDEN] = {1: Attempt("dead", "blocked_address", n, n)}
        evidence.states[n, FORBIDDEN] = ("dead", 1)


def _swap(evidence: Evidence) -> None:
    for request in evidence.requests:
        if request.endpoint == "steady" and request.n == 1:
            request.answered = 99


_SPOILED: dict[str, Callable[[Evidence], object]] = {
    "I1: lost": lambda evidence: evidence.states.pop((1, "steady")),
    "I1: still there": lambda evidence: evidence.states.update({(1, "steady"): ("pending", 1)}),
    "I1: unaccounted": lambda evidence: setattr(evidence, "unaccounted", 1),
    "I2: other bytes": lambda evidence: _first(evidence, sha256="0"),
    "I2: not signed": lambda evidence: _first(evidence, fault="signature"),
    "I2: rolled back": lambda evidence: _first(evidence, n=3),
    "I2: no endpoint": lambda evidence: _first(evidence, endpoint=ELSEWHERE),
    "I3, I4: never answered": lambda evidence: _first(evidence, status=500),
    "I5: sent twice": lambda evidence: evidence.requests.append(evidence.requests[0]),
    "I5b: repeated": _lose_the_record,
    "I6: sent after its end": lambda evidence: evidence.requests.append(dataclasses.replace(evidence.requests[0], attempt=2)),
    "I7: too many": lambda evidence: evidence.states.update({(1, "steady"): ("delivered", 99)}),
    "I7: not recorded": lambda evidence: evidence.attempts[2, "steady"].clear(),
    "I7: not recorded, and only sessions ended": _lose_beside("sessions_ended"),
    "I8: not fenced": lambda evidence: evidence.attempts[1, "failing"].update({2: Attempt("delivered", None, 0.5, 0.6)}),
    "I9: too early": lambda evidence: evidence.attempts[1, "failing"].update({2: Attempt("delivered", None, 1.2, 1.3)}),
    "order: overtaken": _swap,
    "id: two events": lambda evidence: _first(evidence, id="evt_2"),
    "I11: memory": lambda evidence: _look(evidence, "looked", rss_mib=999),
    "I11: descriptors": lambda evidence: _look(evidence, "looked", descriptors=DESCRIPTORS + 1),
    "I13: late": lambda evidence: _look(evidence, "all_sent", took_s=999),
    "I14: not live": lambda evidence: _look(evidence, "looked", live=None),
    "I14: ended": lambda evidence: evidence.looks.append({"t": 5, "what": "ended", "worker": 0, "status": 1}),
    "I15: too slow": lambda evidence: _look(evidence, "drained", took_s=99),
    "I15: failed": lambda evidence: _look(evidence, "drained", status=1),
    "I16: secret": lambda evidence: evidence.logs[0].append({"message": SECRET}),
    "I17: long": lambda evidence: _look(evidence, "transactions", longest_s=3),
    "I18: many lines": lambda evidence: evidence.logs[0].extend([{}] * 5000),
    "prompt: late": lambda evidence: evidence.committed_at.update({5: 48}),
    "locks: deadlock": lambda evidence: evidence.deadlocks.append("ERROR:  deadlock detected"),
    "again: too late after a fail-over": lambda evidence: _fail_over(evidence, 31),
    "again: never": lambda evidence: _fail_over(evidence, 45, 60),
    "I12: trespassed": lambda evidence: _forbid(evidence, trespasses=1),
}
