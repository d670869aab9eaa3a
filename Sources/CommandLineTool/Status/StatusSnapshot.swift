import OutboxStore

/// What `status` shows: the figures, before anything is decided about them.
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
    /// How long the delivery that has been due for longest has been waiting, held ones apart: those wait on purpose.
    var oldestDueAge: Duration? {
        endpoints.filter { $0.state == "active" }.compactMap(\.oldestDueAge).max()
    }
    var isCapped: Bool { endpoints.contains { $0.isCapped } }

    private func sum(_ count: KeyPath<EndpointOverview, Int64>) -> Int64 {
        endpoints.reduce(0) { $0 + $1[keyPath: count] }
    }
}
