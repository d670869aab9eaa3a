import OutboxStore

/// The figures that `status` shows, before it decides anything.
struct StatusSnapshot: Sendable {
    var events: EventCounts
    var endpoints: [EndpointOverview]
    var workers: [WorkerOverview]
    var duties: [DutyOverview]
    /// The newest migration that was applied.
    var schemaVersion: Int32

    var aliveWorkers: Int { workers.count { $0.isAlive } }
    var pending: Int64 { sum(\.pending) }
    var inFlight: Int64 { sum(\.inFlight) }
    var retrying: Int64 { sum(\.retrying) }
    var held: Int64 { sum(\.held) }
    var deadLetters: Int64 { sum(\.deadLetters) }
    /// How long the oldest due delivery has been waiting. Held deliveries wait on purpose and do not count.
    var oldestDueAge: Duration? {
        endpoints.filter { $0.state == "active" }.compactMap(\.oldestDueAge).max()
    }
    var isCapped: Bool { endpoints.contains { $0.isCapped } }

    private func sum(_ count: KeyPath<EndpointOverview, Int64>) -> Int64 {
        endpoints.reduce(0) { $0 + $1[keyPath: count] }
    }
}

/// One line that says whether all is well, and otherwise what to do first. Decided from the figures only.
struct StatusVerdict: Equatable {
    let isWell: Bool
    let line: String

    /// A delivery that has been due for longer than this is late.
    static let lateness = Duration.seconds(60)
    /// Fewer failures in a row than this may be chance.
    static let failures: Int32 = 5

    /// What else is wrong, the most pressing first.
    let others: [String]

    /// At most this many of the other problems are named.
    static let othersNamed = 5

    init(_ snapshot: StatusSnapshot) {
        let problems = Self.problems(snapshot)
        isWell = problems.isEmpty
        line = problems.first ?? "All is well."
        others = Array(problems.dropFirst().prefix(Self.othersNamed))
    }

    /// The most pressing problem first. Without the right schema or an endpoint nothing else means much.
    private static func problems(_ snapshot: StatusSnapshot) -> [String] {
        if let problem = schema(snapshot) { return [problem] }
        guard !snapshot.endpoints.isEmpty else {
            return ["There are no endpoints, so nothing is delivered: postrider endpoint add NAME URL."]
        }
        return [workers(snapshot)].compactMap(\.self) + disabled(snapshot) + failing(snapshot)
            + [lateness(snapshot), housekeeping(snapshot), deadLetters(snapshot)].compactMap(\.self)
            + paused(snapshot)
    }

    private static func schema(_ snapshot: StatusSnapshot) -> String? {
        guard snapshot.schemaVersion != Migration.newest else { return nil }
        return snapshot.schemaVersion < Migration.newest
            ? "The schema is at version \(snapshot.schemaVersion), but this postrider needs \(Migration.newest): "
                + "postrider migrate."
            : "The schema is at version \(snapshot.schemaVersion), newer than the \(Migration.newest) of this "
                + "postrider. Use a newer postrider."
    }

    private static func workers(_ snapshot: StatusSnapshot) -> String? {
        guard snapshot.aliveWorkers == 0 else { return nil }
        let waiting = snapshot.pending + snapshot.retrying + snapshot.inFlight
        return "No worker is running" + (waiting > 0 ? ", and \(deliveries(waiting, snapshot)) must wait" : "")
            + ". Start one: postrider worker."
    }

    private static func disabled(_ snapshot: StatusSnapshot) -> [String] {
        snapshot.endpoints.filter { $0.state == "disabled" }.map { endpoint in
            "Endpoint \(endpoint.name) is disabled" + (endpoint.stateReason.map { " (\($0))" } ?? "")
                + ". When it works again: postrider endpoint resume \(ShellWord(endpoint.name))."
        }
    }

    private static func failing(_ snapshot: StatusSnapshot) -> [String] {
        snapshot.endpoints.filter { $0.state == "active" && $0.consecutiveFailures >= failures }.map { endpoint in
            "Endpoint \(endpoint.name) failed \(endpoint.consecutiveFailures) times in a row. "
                + "See why: postrider endpoint test \(ShellWord(endpoint.name))."
        }
    }

    private static func lateness(_ snapshot: StatusSnapshot) -> String? {
        guard let age = snapshot.oldestDueAge, age > lateness else { return nil }
        return "Deliveries are late, the oldest by \(Lag.text(age)). See why: postrider doctor."
    }

    private static func housekeeping(_ snapshot: StatusSnapshot) -> String? {
        let bad = snapshot.duties.filter { $0.isFailing || $0.isNeglected }.map(\.name)
        guard !bad.isEmpty else { return nil }
        return "Housekeeping is not done: \(bad.joined(separator: ", ")). See why: postrider doctor."
    }

    private static func deadLetters(_ snapshot: StatusSnapshot) -> String? {
        guard snapshot.deadLetters > 0 else { return nil }
        let count = CappedCount.deadLetters(snapshot.deadLetters, isCapped: snapshot.isCapped)
        return "Replay or discard \(count): postrider dead-letter list."
    }

    private static func paused(_ snapshot: StatusSnapshot) -> [String] {
        snapshot.endpoints.filter { $0.state == "paused" && $0.held > 0 }.map { endpoint in
            "Endpoint \(endpoint.name) is paused and holds \(deliveries(endpoint.held, snapshot)): "
                + "postrider endpoint resume \(ShellWord(endpoint.name))."
        }
    }

    private static func deliveries(_ number: Int64, _ snapshot: StatusSnapshot) -> String {
        CappedCount.deliveries(number, isCapped: snapshot.isCapped)
    }
}
