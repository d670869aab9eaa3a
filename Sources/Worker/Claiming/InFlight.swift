import Outbox
import OutboxStore
import Synchronization

/// What this worker holds: deliveries claimed and not yet settled. A value, so that its arithmetic is tested without I/O.
///
/// A permit is held from the claim until the outcome is recorded. So one number bounds memory, the wait before sending and
/// what has to be recorded again after the database was away.
struct InFlight: Sendable {
    /// The most deliveries at once.
    let limit: Int
    /// The most payload bytes at once, except that one delivery is always let in.
    let byteLimit: Int

    private(set) var count = 0
    private(set) var bytes = 0
    /// Deliveries held of each endpoint; only endpoints with any.
    private(set) var lanes: [Int32: Int] = [:]

    init(limit: Int, byteLimit: Int) {
        self.limit = limit
        self.byteLimit = byteLimit
    }

    /// How many more deliveries may be claimed.
    var free: Int { max(0, limit - count) }

    /// How many more payload bytes may be claimed; none while one oversized delivery holds them all.
    var freeBytes: Int { max(0, byteLimit - bytes) }

    /// Whether anything may be claimed.
    var hasRoom: Bool { free > 0 && (freeBytes > 0 || count == 0) }

    /// The most that may be claimed of each endpoint now: its fair share of what is free, dealt out evenly when several
    /// ask at once, so that the first ones do not take it all.
    func rooms(of endpoints: [Int32]) -> [Int] {
        endpoints.map { endpoint in
            let share = FairShare.standard.room(free: free, held: lanes[endpoint] ?? 0)
            return (share + endpoints.count - 1) / max(endpoints.count, 1)
        }
    }

    mutating func take(_ deliveries: [ClaimedDelivery]) {
        for delivery in deliveries {
            count += 1
            bytes += Int(delivery.bytes)
            lanes[delivery.endpoint, default: 0] += 1
        }
    }

    mutating func giveBack(_ deliveries: some Sequence<ClaimedDelivery>) {
        for delivery in deliveries {
            count -= 1
            bytes -= Int(delivery.bytes)
            let held = (lanes[delivery.endpoint] ?? 1) - 1
            lanes[delivery.endpoint] = held > 0 ? held : nil
        }
    }
}

/// The permits of this worker: its books of what is in flight, shared by the claimer and the settler.
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
