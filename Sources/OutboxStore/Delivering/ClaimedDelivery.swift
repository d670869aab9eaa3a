package import Postgres

/// A delivery that this worker holds a lease on. `id`, `attempt` and the worker are its fencing token.
package struct ClaimedDelivery: Hashable, Sendable {
    /// The endpoint it is owed to.
    package var endpoint: Int32
    /// The endpoint's revision at the time of the claim: settings older than this must not be used.
    package var revision: Int32
    /// Part of the row's key.
    package var dueAt: PostgresTimestamp
    /// The delivery's id.
    package var id: Int64
    /// Which attempt of this delivery this is, counted from 1.
    package var attempt: Int16
    /// Attempts before the last replay: the retry schedule starts after them. -1 once the event was cancelled.
    package var attemptBase: Int16
    /// The event.
    package var event: Int64
    /// When the event's transaction began; with `event`, its key.
    package var eventAt: PostgresTimestamp
    /// Size of the event's payload or body.
    package var bytes: Int32

    /// The attempt's place in the retry schedule, counted from 1.
    package var attemptInSchedule: Int { Int(attempt) - Int(max(attemptBase, 0)) }
}
