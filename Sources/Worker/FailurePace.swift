import Postgres

/// How long a loop waits after a failure of the database, longer each time in a row. Decides only.
struct FailurePace: Sendable {
    static let firstWait = Duration.milliseconds(100)
    /// No longer, so that the loop goes on soon after the database does.
    static let longestWait = Duration.seconds(2)

    private var failures = 0

    mutating func succeeded() { failures = 0 }

    /// The wait before the next try. After a lost connection always the first one: connecting again has waits of its own.
    mutating func failed(_ error: PostgresError) -> Duration {
        guard !error.isOfConnection else { return Self.firstWait }
        failures = min(failures + 1, 10)
        return min(Self.firstWait * (1 << (failures - 1)), Self.longestWait)
    }
}

extension PostgresError {
    /// Whether the connection failed, and not what was asked of it. Readiness and metrics have words of their own for that.
    var isOfConnection: Bool {
        [.connectFailed, .connectionLost, .connectionClosed, .tooManyWaiting, .cancelled].contains(code)
    }
}
