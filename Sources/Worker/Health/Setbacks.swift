import Telemetry

/// Which steps of the work fail again and again. A value; the clock is given.
struct Setbacks: Sendable {
    /// So many failures in a row, without a success between them, are more than a coincidence.
    static let fewest = 3
    /// And for so long: a batch that is taken apart fails several times within an instant.
    static let shortest = Duration.seconds(3)
    /// The longest text of an error that is kept, in characters.
    static let errorLimit = 200

    struct Trouble: Equatable, Sendable {
        let step: WorkStep
        /// Failures in a row.
        let failures: Int
        /// Since the first of them.
        let lasts: Duration
        /// The last error.
        let error: String
    }

    private struct Row {
        var failures = 0
        let since: Duration
        var error = ""
    }

    private var rows: [WorkStep: Row] = [:]

    mutating func failed(_ step: WorkStep, _ error: String, _ now: Duration) {
        var row = rows[step] ?? Row(since: now)
        row.failures += 1
        row.error = String(error.prefix(Self.errorLimit))
        rows[step] = row
    }

    mutating func succeeded(_ step: WorkStep) {
        if !rows.isEmpty { rows[step] = nil }
    }

    /// What has been failing for longest, if anything fails again and again.
    func trouble(_ now: Duration) -> Trouble? {
        rows.filter { $0.value.failures >= Self.fewest && now - $0.value.since >= Self.shortest }
            .min { ($0.value.since, $0.key.rawValue) < ($1.value.since, $1.key.rawValue) }
            .map { step, row in
                Trouble(step: step, failures: row.failures, lasts: now - row.since, error: row.error)
            }
    }
}
