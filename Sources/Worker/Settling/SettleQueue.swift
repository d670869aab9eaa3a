import OutboxStore
import Synchronization
import Telemetry

/// Outcomes on their way to the database. Bounded by the permits: each entry holds one until it is recorded.
final class SettleQueue: Sendable {
    /// The most outcomes recorded by one statement.
    static let batchLimit = 500

    private struct State {
        var waiting: [Settlement] = []
        /// From how many on the settler is called.
        var wanted = 1
        /// Those that wait, and those that were taken and are neither recorded nor given up.
        var unrecorded = 0
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
            state.unrecorded += settlements.count
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

    /// How many are kept until they can be recorded.
    var unrecorded: Int { state.withLock { $0.unrecorded } }

    /// So many that were taken are recorded or given up.
    func ended(_ count: Int) {
        state.withLock { $0.unrecorded -= count }
    }

    /// Shows how many are kept in the metrics, read at each scrape.
    func show(in registry: PrometheusRegistry) {
        registry.readGauge(MetricDescription.unrecordedOutcomes.name) { [weak self] in
            self.map { Double($0.unrecorded) }
        }
    }

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
