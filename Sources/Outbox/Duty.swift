/// What workers do on the side, one worker at a time. A closed set: these words stand in the table of duties, in logs and as a
/// metric label.
package enum Duty: String, CaseIterable, Sendable {
    /// Cancels what removed endpoints are still owed, and wakes ordering keys that wait for no delivery.
    case keys
    /// Makes the deliveries of recent events that the fan-out trigger missed.
    case repair
    /// Tells of endpoints to which something has been due for long.
    case backlog
    /// Forgets workers that were not heard of for a day.
    case workers
    /// Sends events again that an operator wants sent again.
    case replays
    /// Wakes rows of the inbox that wait for none, and deletes the ids of requests past their retention.
    case inbox
    /// Makes daily partitions a week ahead.
    case partitions
    /// Drops partitions past their retention.
    case retention
    /// Deletes idempotency keys past their retention.
    case idempotency
    /// Deletes rows of DEFAULT partitions past their retention.
    case strays
    /// Makes the deliveries of any event that the fan-out trigger missed.
    case repairAll = "repair_all"

    /// Those that may take long. They never stand before the others.
    package static let long: [Duty] = [.partitions, .retention, .idempotency, .strays, .repairAll]
    /// Those that are done in a moment.
    package static let short = allCases.filter { !long.contains($0) }
}
