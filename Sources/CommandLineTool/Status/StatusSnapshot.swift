import OutboxStore

/// The figures that `status` shows, before it decides anything.
struct StatusSnapshot: Sendable {
    var events: EventCounts
    var endpoints: [EndpointOverview]
    var workers: [WorkerOverview]
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
