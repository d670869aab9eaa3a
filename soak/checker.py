"""The invariants, each over the evidence alone: no code of the product is asked whether the product is right."""

import collections
import dataclasses
import itertools
import json
from collections.abc import Iterator
from typing import Any

from soak.evidence import Evidence, Request, Span
from soak.fleet import DESCRIPTORS, DRAIN_S, LOG_LINES_PER_S, READY_S, RSS_MIB, THREADS
from soak.plan import ENDPOINTS, FORBIDDEN, HEADER_CANARY, JITTER, LEASE_S, MAX_ATTEMPTS, PAYLOAD_CANARY, SECRET, WAITS_S

# How much earlier or later a fault may have had its effect than it was noted.
_MARGIN_S = 1.0
# How long everything that is owed may take once all faults are over.
DRAIN_LIMIT_S = 60
# How long after its commit a new event is sent while there are no faults.
_PROMPT_S = 2
# How long after the promotion of a standby a new event is sent, its producer's way to the new primary included.
_AGAIN_S = 10


@dataclasses.dataclass
class Verdict:
    """`checked` counts what was looked at: an invariant that looked at nothing proves nothing."""

    name: str
    title: str
    checked: int = 0
    problems: list[str] = dataclasses.field(default_factory=list)

    def expect(self, holds: bool, problem: str) -> None:
        self.checked += 1
        if not holds:
            self.problems.append(problem)


@dataclasses.dataclass
class Findings:
    verdicts: list[Verdict]
    # What sent a delivery once more although an endpoint had answered 2xx.
    duplicates: collections.Counter[str]
    # Events whose commit was told and that a fail-over lost.
    lost_by_fail_over: int
    dead: int


def judge(evidence: Evidence) -> Findings:
    duplicates: collections.Counter[str] = collections.Counter()
    lost = evidence.committed - evidence.kept if evidence.may_lose else set()
    verdicts = [_all_arrived(evidence, lost), _only_what_was_meant(evidence), _delivered_was_answered(evidence),
                _one_request_a_token(evidence), _repetitions(evidence, duplicates), _ends_are_final(evidence),
                _attempts_in_row(evidence), _fencing(evidence), _waits(evidence), _order(evidence), _one_event_an_id(evidence),
                _bounds(evidence), _after_healing(evidence), _liveness(evidence), _drains(evidence), _canaries(evidence),
                _transactions(evidence), _log_lines(evidence), _prompt(evidence), _locks(evidence)]
    if evidence.fail_overs:
        verdicts.append(_after_fail_overs(evidence))
    if evidence.scene.has_forbidden:
        verdicts.append(_forbidden(evidence))
    dead = sum(state == "dead" for state, _ in evidence.states.values())
    return Findings(verdicts, duplicates, len(lost), dead)


def _all_arrived(evidence: Evidence, lost: set[int]) -> Verdict:
    verdict = Verdict("I1", "every committed event is delivered or dead at each endpoint, and accounted for")
    for n in sorted(evidence.committed - lost):
        verdict.expect(n in evidence.kept, f"event {n} was committed and is gone")
    for n in sorted(evidence.kept):
        for endpoint in evidence.scene.endpoints:
            state = evidence.states.get((n, endpoint), ("nowhere", 0))[0]
            verdict.expect(state in ("delivered", "dead"), f"event {n} is {state} at {endpoint}")
    verdict.expect(evidence.unaccounted == 0, f"{evidence.unaccounted} deliveries are unaccounted for")
    return verdict


def _only_what_was_meant(evidence: Evidence) -> Verdict:
    verdict = Verdict("I2", "every request is a committed event, at its endpoint, signed, with its bytes")
    for request in evidence.requests:
        verdict.expect(request.endpoint in evidence.scene.endpoints, f"{_name(request)}: that is no endpoint")
        n = request.n
        meant = evidence.meant.get(n) if n is not None else None
        verdict.expect(meant is not None and meant["sha256"] == request.sha256, f"{_name(request)} has other bytes than were meant")
        # The only fault that a wrong clock explains.
        is_excused = request.fault is not None and request.fault.startswith("timestamp") and bool(
            _spans(evidence, request.at, request.at, ("clock_stepped",)))
        verdict.expect(request.fault is None or is_excused, f"{_name(request)}: {request.fault}")
        verdict.expect(n not in evidence.rolled_back, f"{_name(request)} was rolled back")
        verdict.expect(n in evidence.kept or (n in evidence.committed and evidence.may_lose), f"{_name(request)} was never committed")
    return verdict


def _delivered_was_answered(evidence: Evidence) -> Verdict:
    verdict = Verdict("I3, I4", "what is recorded as delivered was answered with 2xx, with that token")
    answered = {(request.n, request.endpoint, request.attempt) for request in evidence.requests if request.status == 200}
    for (n, endpoint), (state, _) in evidence.states.items():
        if state != "delivered":
            continue
        tokens = [token for token, attempt in evidence.attempts.get((n, endpoint), {}).items() if attempt.outcome == "delivered"]
        verdict.expect(len(tokens) == 1 and (n, endpoint, tokens[0]) in answered, f"event {n} at {endpoint}: tokens {tokens}")
    return verdict


def _one_request_a_token(evidence: Evidence) -> Verdict:
    verdict = Verdict("I5", "no token is sent twice")
    seen: collections.Counter[tuple[str, str, int]] = collections.Counter(
        (request.endpoint, request.id, request.attempt) for request in evidence.requests)
    for token, count in seen.items():
        # A fail-over forgets that the token was given away.
        verdict.expect(count == 1 or evidence.may_lose, f"{token} was sent {count} times")
    return verdict


def _repetitions(evidence: Evidence, duplicates: "collections.Counter[str]") -> Verdict:
    """A request is followed by another only after a recorded failure, or when a fault kept the first from being recorded."""
    verdict = Verdict("I5b", "every repetition has its cause")
    for requests in _by_delivery(evidence).values():
        for first, second in itertools.pairwise(requests):
            recorded = evidence.attempts.get((first.n or 0, first.endpoint), {}).get(first.attempt)
            if recorded is not None and recorded.outcome == "retry" and recorded.error_code != "lost_lease":
                verdict.expect(True, "")
                continue
            cause = _cause(evidence, first.at, second.at)
            verdict.expect(cause is not None, f"{_name(first)} is repeated as {second.attempt} without a cause; recorded: {recorded}")
            if first.status == 200:
                duplicates[cause or "none"] += 1
    return verdict


def _ends_are_final(evidence: Evidence) -> Verdict:
    verdict = Verdict("I6", "nothing is sent once it is recorded as delivered or dead")
    last: dict[tuple[int | None, str], Request] = {key: requests[-1] for key, requests in _by_delivery(evidence).items()}
    for (n, endpoint), attempts in evidence.attempts.items():
        for token, attempt in attempts.items():
            if attempt.outcome in ("delivered", "dead") and (request := last.get((n, endpoint))):
                verdict.expect(request.attempt <= token or evidence.may_lose,
                               f"event {n} at {endpoint} ended with token {token}, and {request.attempt} was sent")
    return verdict


def _attempts_in_row(evidence: Evidence) -> Verdict:
    verdict = Verdict("I7", "attempts are at most those allowed, and each one sent is recorded or was lost to a fault")
    for (n, endpoint), (_, attempts) in evidence.states.items():
        verdict.expect(attempts <= MAX_ATTEMPTS, f"event {n} at {endpoint} had {attempts} attempts")
    for (n, endpoint), requests in _by_delivery(evidence).items():
        for request in requests:
            if n in evidence.kept and request.attempt not in evidence.attempts.get((n or 0, endpoint), {}):
                # Whatever the database does, a worker that lives keeps what it has to record.
                cause = _cause(evidence, request.at, request.at + 2 * LEASE_S, ("fail_over",) if evidence.may_lose else ())
                verdict.expect(cause is not None, f"{_name(request)} is not recorded, and no fault explains it")
            else:
                verdict.expect(True, "")
    return verdict


def _fencing(evidence: Evidence) -> Verdict:
    """A lost lease lets a delivery be claimed once more: then the record says that the attempt before was stale."""
    verdict = Verdict("I8", "an attempt that counts has ended before the next one begins")
    for (n, endpoint), attempts in evidence.attempts.items():
        for token, attempt in attempts.items():
            after = attempts.get(token + 1)
            if after is not None and attempt.outcome != "stale":
                verdict.expect((attempt.outcome == "retry" and attempt.ended <= after.started) or evidence.may_lose,
                               f"event {n} at {endpoint}: attempt {token}, {attempt.outcome}, ended at {attempt.ended:.2f}"
                               f" and attempt {token + 1} began at {after.started:.2f}")
    return verdict


def _waits(evidence: Evidence) -> Verdict:
    verdict = Verdict("I9", "a retry waits as long as its schedule says")
    for (n, endpoint), attempts in evidence.attempts.items():
        for token, attempt in attempts.items():
            after = attempts.get(token + 1)
            if attempt.outcome == "retry" and attempt.error_code != "lost_lease" and after is not None:
                # A number that the log steps over was given back unsent, and the schedule does not count it.
                tries = sum(earlier <= token for earlier in attempts)
                least = WAITS_S[min(tries, len(WAITS_S)) - 1] * (1 - JITTER) - 0.1
                verdict.expect(after.started - attempt.ended >= least,
                               f"event {n} at {endpoint}: attempt {token + 1} after {after.started - attempt.ended:.2f} s instead of {least:.2f}")
    return verdict


def _order(evidence: Evidence) -> Verdict:
    """A key belongs to one producer, so its numbers rise in the order of commits."""
    verdict = Verdict("order", "events of a key reach an endpoint one after the other")
    first: dict[tuple[int | None, str], float] = {}
    done: dict[tuple[int | None, str], float] = {}
    for request in evidence.requests:
        first.setdefault((request.n, request.endpoint), request.at)
        if request.status == 200 and request.answered is not None:
            key = (request.n, request.endpoint)
            done[key] = min(request.answered, done.get(key, request.answered))
    keys = collections.defaultdict(list)
    for n in sorted(evidence.kept):
        if n in evidence.meant and evidence.meant[n]["key"]:
            keys[evidence.meant[n]["key"]].append(n)
    for numbers in keys.values():
        for endpoint in ENDPOINTS:
            for before, after in itertools.pairwise(numbers):
                if evidence.states.get((before, endpoint), ("", 0))[0] == "delivered" and (after, endpoint) in first:
                    verdict.expect(done.get((before, endpoint), float("inf")) <= first[after, endpoint],
                                   f"event {after} came to {endpoint} before {before} of the same key was answered")
    return verdict


def _one_event_an_id(evidence: Evidence) -> Verdict:
    verdict = Verdict("id", "no webhook-id stands for two events, and no event has two")
    for pairs in ({(request.id, request.n) for request in evidence.requests}, {(request.n, request.id) for request in evidence.requests}):
        seen: collections.Counter[object] = collections.Counter(pair[0] for pair in pairs)
        for name, count in seen.items():
            verdict.expect(count == 1, f"{name} stands for {count}")
    return verdict


def _bounds(evidence: Evidence) -> Verdict:
    verdict = Verdict("I11", f"a worker keeps to {RSS_MIB} MiB, {DESCRIPTORS} descriptors and {THREADS} threads")
    for look in _looks(evidence, "looked"):
        held = (look["rss_mib"], look["descriptors"], look["threads"])
        verdict.expect(held[0] <= RSS_MIB and held[1] <= DESCRIPTORS and held[2] <= THREADS, f"worker {look['worker']} holds {held}")
    return verdict


def most_held(evidence: Evidence) -> tuple[int, int, int]:
    """The most that a worker was seen to hold: MiB, descriptors and threads."""
    looks = list(_looks(evidence, "looked"))
    most = (max((int(look[what]) for look in looks), default=0) for what in ("rss_mib", "descriptors", "threads"))
    return next(most), next(most), next(most)


def _after_healing(evidence: Evidence) -> Verdict:
    verdict = Verdict("I13", f"after the last fault workers are ready within {READY_S} s, and all is sent within {DRAIN_LIMIT_S} s")
    for what, limit in (("ready_again", READY_S), ("all_sent", DRAIN_LIMIT_S)):
        took = [float(look["took_s"]) for look in _looks(evidence, what)]
        verdict.expect(bool(took) and max(took) <= limit, f"{what}: {took} s")
    return verdict


def _liveness(evidence: Evidence) -> Verdict:
    verdict = Verdict("I14", "a worker is live while the database is away too, and ends only when it is told to")
    for look in _looks(evidence, "looked"):
        if look["age_s"] > 2 and not _spans(evidence, look["t"] - 3, look["t"], ("suspended",)):
            verdict.expect(look["live"] == 200, f"worker {look['worker']}: livez {look['live']} at the age of {look['age_s']} s")
    for look in _looks(evidence, "ended"):
        verdict.expect(False, f"worker {look['worker']} ended by itself with {look['status']}")
    return verdict


def _drains(evidence: Evidence) -> Verdict:
    verdict = Verdict("I15", "SIGTERM ends a worker in time, with 0 unless the database was away")
    for look in _looks(evidence, "drained"):
        began = look["t"] - look["took_s"]
        excused = bool(_spans(evidence, began - 2, look["t"], tuple(_DATABASE)))
        verdict.expect(look["took_s"] <= DRAIN_S + 2 and (look["status"] == 0 or excused),
                       f"worker {look['worker']} ended with {look['status']} after {look['took_s']} s")
    return verdict


def _canaries(evidence: Evidence) -> Verdict:
    verdict = Verdict("I16", "no secret, header or payload is in a log, a metric or an error")
    texts = {f"the log of worker {number}": json.dumps(lines) for number, lines in evidence.logs.items()} | evidence.shown
    for where, text in texts.items():
        for canary in (SECRET.removeprefix("whsec_"), HEADER_CANARY, PAYLOAD_CANARY):
            verdict.expect(canary not in text, f"{canary} is in {where}")
    return verdict


def _transactions(evidence: Evidence) -> Verdict:
    verdict = Verdict("I17", "no transaction of a worker lasts a second, unless something holds a lock or the worker")
    for look in _looks(evidence, "transactions"):
        if not _spans(evidence, look["t"] - 2, look["t"], ("suspended", *_DATABASE)):
            verdict.expect(look["longest_s"] < 1, f"one lasted {look['longest_s']:.2f} s")
    return verdict


def _log_lines(evidence: Evidence) -> Verdict:
    verdict = Verdict("I18", f"a worker writes at most {LOG_LINES_PER_S} lines a second")
    for number, lines in evidence.logs.items():
        rate = len(lines) / max(evidence.lasted_s, 1)
        verdict.expect(rate <= LOG_LINES_PER_S, f"worker {number} writes {rate:.1f}")
    return verdict


def _prompt(evidence: Evidence) -> Verdict:
    """Of events without a key, at `steady`: nothing else may hold them up."""
    verdict = Verdict("prompt", f"when all is well again, a new event is sent within {_PROMPT_S} s")
    well_at = max((look["t"] for look in _looks(evidence, "ready_again")), default=float("inf"))
    first: dict[int | None, float] = {}
    for request in evidence.requests:
        if request.endpoint == "steady":
            first.setdefault(request.n, request.at)
    for n, at in evidence.committed_at.items():
        if at > well_at and not evidence.meant[n]["key"]:
            took = first.get(n, float("inf")) - at
            verdict.expect(took <= _PROMPT_S, f"event {n} was sent after {took:.2f} s")
    return verdict


def after_fail_overs(evidence: Evidence) -> list[float]:
    """For each fail-over how long it took from the promotion to the first request of an event that was committed after it."""
    promoted = sorted(float(look["t"]) for look in _looks(evidence, "promoted"))
    return [min((request.at - at for request in evidence.requests if evidence.committed_at.get(request.n or -1, 0) > at), default=float("inf"))
            for at in promoted]


def _after_fail_overs(evidence: Evidence) -> Verdict:
    verdict = Verdict("again", f"after a promotion the first new event is sent within {_AGAIN_S} s")
    for took_s in after_fail_overs(evidence):
        verdict.expect(took_s <= _AGAIN_S, f"it took {took_s:.1f} s")
    return verdict


def _locks(evidence: Evidence) -> Verdict:
    verdict = Verdict("locks", "no statement of anyone ends in a deadlock")
    verdict.expect(not evidence.deadlocks, f"{len(evidence.deadlocks)}: {evidence.deadlocks[:1]}")
    return verdict


def _forbidden(evidence: Evidence) -> Verdict:
    verdict = Verdict("I12", "no connection goes to a forbidden address, whatever a name leads to")
    for n in evidence.kept:
        tried = bool(evidence.attempts.get((n, FORBIDDEN)))
        verdict.expect(tried, f"event {n} was not even tried")
    verdict.expect(evidence.trespasses == 0, f"{evidence.trespasses} connections")
    return verdict


# What ends a worker, or stops it for so long that its leases end.
_WORKER = ("killed", "crashed", "suspended", "drain_failed")
# Faults that keep the database from answering a worker.
_DATABASE = ("restart_fast", "restart_at_once", "sessions_ended", "connections_used_up", "lanes_locked", "preview_left_open", "network_slow",
             "network_reset", "pooler_restarted", "disk_full", "fail_over")


def _cause(evidence: Evidence, since: float, until: float, beside: tuple[str, ...] = _DATABASE) -> str | None:
    """The fault that explains why what began at `since` was not recorded by `until`: one of a worker, or one of `beside`."""
    order = (*_WORKER, *beside)
    names = [span.name for span in _spans(evidence, since, until, order)]
    return min(names, key=order.index, default=None)


def _spans(evidence: Evidence, since: float, until: float, names: tuple[str, ...]) -> list[Span]:
    return [span for span in evidence.faults if span.name in names and span.began <= until + _MARGIN_S and span.ended >= since - _MARGIN_S]


def _looks(evidence: Evidence, what: str) -> Iterator[dict[str, Any]]:
    return (look for look in evidence.looks if look["what"] == what)


def _by_delivery(evidence: Evidence) -> dict[tuple[int | None, str], list[Request]]:
    found: dict[tuple[int | None, str], list[Request]] = collections.defaultdict(list)
    for request in evidence.requests:
        found[request.n, request.endpoint].append(request)
    return found


def _name(request: Request) -> str:
    return f"{request.id} (event {request.n}) at {request.endpoint}, attempt {request.attempt}"
