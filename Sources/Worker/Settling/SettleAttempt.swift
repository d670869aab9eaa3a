import Postgres

/// What to do after a settle failed. Decides only.
struct SettleAttempt: Sendable {
    /// What comes next for the batch.
    enum Next: Hashable, Sendable {
        /// Send it again after this wait; `again` when its fate is unknown.
        case retry(after: Duration, again: Bool)
        /// Another session holds something of it: send it again at once, and leave that out.
        case leaveOut(again: Bool)
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
    /// After so many internal errors of the server it is taken to be one row's fault.
    static let internalErrors = 3

    private var failures = 0
    private var mayBeRecorded = false

    /// - Parameters:
    ///   - count: rows in the batch.
    ///   - isStripped: whether texts from outside were taken out already.
    ///   - isLeaving: whether it was sent to leave out what others hold.
    ///   - mustEnd: whether the process ends, so that there is no later.
    mutating func failed(
        _ error: PostgresError, count: Int, isStripped: Bool, isLeaving: Bool, mustEnd: Bool
    ) -> Next {
        failures += 1
        if error.isRowsFault || error.isInternal && failures >= Self.internalErrors {
            if count > 1 { return .split }
            return isStripped ? .abandon : .strip
        }
        mayBeRecorded = mayBeRecorded || !error.leavesNoDoubt
        if error.sqlState == .lockNotAvailable, !isLeaving { return .leaveOut(again: mayBeRecorded) }
        if mustEnd { return .abandon }
        let wait = min(Self.firstWait * (1 << min(failures - 1, 10)), Self.longestWait)
        return .retry(after: wait, again: mayBeRecorded)
    }
}

extension PostgresError {
    /// Whether the statement certainly changed nothing: the server refused it, or it was never sent.
    var leavesNoDoubt: Bool {
        code == .connectFailed || code == .tooManyWaiting || (code == .server && kind != .reconnect)
    }

    fileprivate var isRowsFault: Bool { kind == .data || kind == .bug }

    /// An internal error of the server: a fresh connection may cure it, or one row causes it every time.
    fileprivate var isInternal: Bool { sqlState?.category == "XX" }
}
