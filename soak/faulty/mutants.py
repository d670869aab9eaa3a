"""Faults that would lose, repeat or leak something: each must break its invariant, or the soak proves nothing by passing."""

import dataclasses

from soak.faulty.edit import Edit
from soak.plan import Scene

_CALLBACKS = "Sources/Courier/Engine/Transfer+Callbacks.swift"
_TRANSFER = "Sources/Courier/Engine/Transfer.swift"
_CONFIGURATION = "Sources/Courier/CourierConfiguration.swift"
_SERVICES = "Sources/Worker/WorkerServices.swift"
_SETTLER = "Sources/Worker/Settling/Settler.swift"
_DELIVERING = "migrations/0003_delivering.sql"
_OPERATING = "migrations/0004_operating.sql"

_FENCE = "AND d.attempt = x.attempt AND d.lease_by = p_worker"


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    says: str
    # The invariant that it must break, as the checker names it.
    breaks: str
    scene: Scene
    # Of Swift sources, behind the switch of this name; and of SQL functions, which the database of the run alone gets.
    edits: tuple[Edit, ...] = ()
    sql: tuple[Edit, ...] = ()


# Without faults: what is wrong shows by itself.
_CALM = Scene(seconds=6, quiet_s=2, patience_s=30, faults=frozenset(), has_forbidden=True)
_KILLED = Scene(seconds=8, quiet_s=2, patience_s=30, faults=frozenset({"killed"}))
# Just beyond the lease: another worker has begun what this one still holds.
_SUSPENDED = Scene(seconds=14, quiet_s=2, patience_s=30, rate=30, faults=frozenset({"suspended"}), pause=0.1, suspension=(1, 1.15))
_DISCONNECTED = Scene(seconds=8, quiet_s=2, patience_s=30, faults=frozenset({"sessions_ended"}), pause=0.15)
_OPERATED = Scene(seconds=8, quiet_s=2, patience_s=30, faults=frozenset({"acts_at_once"}), pause=0.1)
# Few events, so that none is found by the way, and all of them commit late.
_SPARSE = Scene(seconds=1, quiet_s=10, patience_s=10, faults=frozenset(), rate=1, slow_commits=1)

MUTANTS = (
    Mutant("no_fencing", "a settle changes the row whoever holds it by now", "I8", _SUSPENDED, sql=(
        Edit(_DELIVERING, "AND d.attempt = p_attempt[i.place] AND d.lease_by = p_worker LIMIT 1) d;", "LIMIT 1) d;"),
        Edit(_DELIVERING, _FENCE, "", times=2))),
    Mutant("token_reused", "an attempt is counted when it is settled, not when it is claimed", "I5", _KILLED, sql=(
        Edit(_DELIVERING, "SET attempt = least(d.attempt, 32766) + 1, lease_by", "SET attempt = greatest(d.attempt, 1), lease_by"),
        Edit(_DELIVERING, "attempt = CASE WHEN x.outcome = 5 AND d.attempt > 32000 THEN d.attempt - 1 ELSE d.attempt END",
             "attempt = CASE WHEN x.outcome = 1 THEN d.attempt + 1 ELSE d.attempt END"))),
    Mutant("second_send", "libcurl sends a request once more on another connection", "I5", _CALM, (
        Edit(_CALLBACKS, "guard let request = pending?.request, !progress.end.wasSent else {",
             "guard let request = pending?.request, !progress.end.wasSent || FaultSwitch.isOn(\"second_send\")\n"
             "|| (FaultSwitch.isOn(\"redirect_followed\") && progress.end.head.status == 307) else {"),)),
    # Its other half is the edit above: who asks to follow must also let libcurl send again.
    Mutant("redirect_followed", "a redirect is followed", "I2", _CALM, (
        Edit(_TRANSFER, "handle.set(CURLOPT_FOLLOWLOCATION, 0)",
             "handle.set(CURLOPT_FOLLOWLOCATION, FaultSwitch.isOn(\"redirect_followed\") ? 1 : 0)"),)),
    Mutant("string_filter", "only the text of a URL is judged, not what its name leads to", "I12", _CALM, (
        Edit(_SERVICES, "judge: DialJudge(addresses).allows",
             "judge: { FaultSwitch.isOn(\"string_filter\") || DialJudge(addresses).allows($0) }"),
        Edit(_CONFIGURATION, 'package var hostsFile = "/etc/hosts"', "package var hostsFile = FaultSwitch.hostsFile"))),
    Mutant("batch_dropped", "outcomes are dropped when the connection breaks", "I7", _DISCONNECTED, (
        Edit(_SETTLER, "case .retry(let wait, let isAgain):",
             "case .retry(let wait, let isAgain):\n"
             'if FaultSwitch.isOn("batch_dropped") { parts.permits.giveBack(batch.map(\\.delivery)); return [] }'),)),
    Mutant("highest_id", "a look takes the order of ids for the order of commits", "prompt", _SPARSE, sql=(
        Edit(_DELIVERING, "FROM pg_snapshot_xip(p_seen) AS x (began) WHERE pg_visible_in_snapshot(x.began, v_now);",
             "FROM pg_snapshot_xip(p_seen) AS x (began) WHERE false;"),)),
    Mutant("locks_reversed", "one act locks the lane before the endpoint", "locks", _OPERATED, sql=(
        Edit(_OPERATING, "v_id := postrider.hold_endpoint(name, tenant);\n    PERFORM postrider.check_endpoint(",
             "v_id := postrider.endpoint_id(name, tenant);\n    PERFORM postrider.check_endpoint("),)),
)
