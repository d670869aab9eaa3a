import OutboxStore
import Synchronization

/// Outcomes on their way to the database. Bounded by the permits: each entry holds one until it is recorded.
final class SettleQueue: Sendable {
    /// The most outcomes recorded by one statement.
    static let batchLimit = 500

    private struct State {
        var waiting: [Settlement] = []
        /// From how many on the settler is called.
        var wanted = 1
    }

    private let state = Mutex(State())
    private let arrived: Wakeup

    init(arrived: Wakeup) {
        self.arrived = arrived
    }

    /// Calls the settler when this fills the queue up to what it wants; not each time, which would cost more than to record.
    func add(_ settlements: [Settlement]) {
        guard !settlements.isEmpty else { return }
        let isCall = state.withLock { state in
            let before = state.waiting.count
            state.waiting.append(contentsOf: settlements)
            return before < state.wanted && state.waiting.count >= state.wanted
        }
        if isCall { arrived.call() }
    }

    /// Asks for a call as soon as this many are waiting.
    ///
    /// - Returns: whether they are already.
    func want(_ count: Int) -> Bool {
        state.withLock { state in
            state.wanted = count
            return state.waiting.count >= count
        }
    }

    /// How many are waiting.
    var count: Int { state.withLock { $0.waiting.count } }

    /// Takes the oldest ones, at most a batch.
    func takeBatch() -> [Settlement] {
        state.withLock { state in
            guard state.waiting.count > Self.batchLimit else {
                defer { state.waiting = [] }
                return state.waiting
            }
            let batch = Array(state.waiting.prefix(Self.batchLimit))
            state.waiting.removeFirst(Self.batchLimit)
            return batch
        }
    }
}
