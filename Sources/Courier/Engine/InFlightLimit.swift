/// How many requests one courier has in flight at once.
///
/// The limit falls to what there was room for when a socket could not be made, because the process is out of file
/// descriptors, and recovers slowly: by one after as many requests as the limit allows have ended well.
struct InFlightLimit: Equatable {
    let maximum: Int
    private(set) var current: Int
    private var ended = 0

    init(maximum: Int) {
        self.maximum = max(1, maximum)
        current = self.maximum
    }

    /// A socket could not be made while so many other requests were in flight.
    mutating func lackedSocket(others: Int) {
        current = min(current, max(1, others))
        ended = 0
    }

    mutating func requestEnded() {
        guard current < maximum else { return }
        ended += 1
        guard ended >= current else { return }
        ended = 0
        current += 1
    }
}
