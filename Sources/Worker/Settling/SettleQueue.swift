import OutboxStore
import Synchronization

/// Outcomes on their way to the database. Bounded by the permits: each entry holds one until it is recorded.
final class SettleQueue: Sendable {
    /// The most outcomes recorded by one statement.
    static let batchLimit = 500

    private let waiting = Mutex<[Settlement]>([])
    private let arrived: Wakeup

    init(arrived: Wakeup) {
        self.arrived = arrived
    }

    func add(_ settlements: [Settlement]) {
        guard !settlements.isEmpty else { return }
        waiting.withLock { $0.append(contentsOf: settlements) }
        arrived.call()
    }

    /// How many are waiting.
    var count: Int { waiting.withLock { $0.count } }

    /// Takes the oldest ones, at most a batch.
    func takeBatch() -> [Settlement] {
        waiting.withLock { waiting in
            guard waiting.count > Self.batchLimit else {
                defer { waiting = [] }
                return waiting
            }
            let batch = Array(waiting.prefix(Self.batchLimit))
            waiting.removeFirst(Self.batchLimit)
            return batch
        }
    }
}
