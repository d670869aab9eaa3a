import OutboxStore

/// What this worker holds: deliveries claimed and not yet settled. A value, so that its arithmetic is tested without I/O.
///
/// A permit is held from the claim until the outcome is recorded. So one number bounds memory, the wait before sending and
/// what has to be recorded again after the database was away. Which lane may hold how many is for the ``Schedule`` to say.
struct InFlight: Sendable {
    /// The most deliveries at once.
    let limit: Int
    /// The most payload bytes at once, except that one delivery is always let in.
    let byteLimit: Int

    private(set) var count = 0
    private(set) var bytes = 0

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

    mutating func take(_ deliveries: [ClaimedDelivery]) {
        for delivery in deliveries {
            count += 1
            bytes += Int(delivery.bytes)
        }
    }

    mutating func giveBack(_ deliveries: some Sequence<ClaimedDelivery>) {
        for delivery in deliveries {
            count -= 1
            bytes -= Int(delivery.bytes)
        }
    }
}
