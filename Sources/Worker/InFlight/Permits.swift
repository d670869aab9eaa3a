import OutboxStore
import Synchronization

/// The permits of this worker, shared by those who claim and those who settle.
final class Permits: Sendable {
    private let state: Mutex<InFlight>
    /// Called when permits came back.
    private let freed: Wakeup

    init(_ inFlight: InFlight, freed: Wakeup) {
        state = Mutex(inFlight)
        self.freed = freed
    }

    /// A copy of the books.
    var current: InFlight { state.withLock { $0 } }

    func take(_ deliveries: [ClaimedDelivery]) {
        state.withLock { $0.take(deliveries) }
    }

    func giveBack(_ deliveries: [ClaimedDelivery]) {
        state.withLock { $0.giveBack(deliveries) }
        freed.call()
    }
}
