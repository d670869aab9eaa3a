import OutboxStore
import Postgres
import TestSupport

/// A worker's looks, each from where the one before ended.
struct Watch: Sendable {
    let worker: TestWorker
    /// What the look before has seen; nil before the first.
    private(set) var seen: String?

    init(_ worker: TestWorker) { self.worker = worker }

    /// Looks once, and returns the lanes that were found.
    mutating func lanes(waiting wait: Duration = .zero) async throws -> [FoundLane] {
        let look = try await worker.look(since: seen, waiting: wait)
        seen = look.seen
        return look.lanes
    }

    /// Looks once, and returns the ids of the lanes that were found.
    @discardableResult
    mutating func look() async throws -> [Int32] { try await lanes().map(\.endpoint) }

    /// How many pages the next look would read.
    func pages() async throws -> Int64 {
        try await Plan.of(
            "SELECT * FROM postrider.look('\(seen ?? "")', \(LookAtLanes.longest))", on: worker.connection
        ).buffers
    }
}
