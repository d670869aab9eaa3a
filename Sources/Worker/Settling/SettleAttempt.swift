import Postgres

/// What to do after a settle failed. Decides only.
struct SettleAttempt: Sendable {
    /// What comes next for the batch.
    enum Next: Hashable, Sendable {
        /// Send it again after this wait; `again` when its fate is unknown.
        case retry(after: Duration, again: Bool)
        /// One of its rows cannot be recorded: record the halves apart.
        case split
        /// A single row cannot be recorded: once more without what came from outside.
        case strip
        /// Give it up: its lease runs out and another worker delivers again.
        case abandon
    }

    /// Between two tries.
    static let firstWait = Duration.milliseconds(20)
    static let longestWait = Duration.seconds(1)

    private var failures = 0
    private var mayBeRecorded = false

    /// - Parameters:
    ///   - count: rows in the batch.
    ///   - isStripped: whether texts from outside were taken out already.
    ///   - leaseLeft: until the last lease of the batch is over. After that a settle could only be stale.
    mutating func failed(_ error: PostgresError, count: Int, isStripped: Bool, leaseLeft: Duration) -> Next {
        switch error.kind {
        case .data, .bug:
            if count > 1 { return .split }
            return isStripped ? .abandon : .strip
        case .retry, .reconnect, .configuration, .resource:
            guard leaseLeft > .zero else { return .abandon }
            mayBeRecorded = mayBeRecorded || !error.leavesNoDoubt
            failures += 1
            let wait = min(Self.firstWait * (1 << min(failures - 1, 10)), Self.longestWait)
            return .retry(after: wait, again: mayBeRecorded)
        }
    }
}

extension PostgresError {
    /// Whether the statement certainly changed nothing: the server refused it, or it was never sent.
    fileprivate var leavesNoDoubt: Bool {
        code == .connectFailed || code == .tooManyWaiting || (code == .server && kind != .reconnect)
    }
}
