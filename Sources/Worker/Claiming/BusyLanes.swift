import Synchronization

/// The lanes that had work when the claimer last looked: whose hints are worth moving.
final class BusyLanes: Sendable {
    private let lanes = Mutex<[Int32]>([])

    var current: [Int32] { lanes.withLock { $0 } }

    func set(_ busy: [Int32]) {
        lanes.withLock { $0 = busy }
    }

    func forget() {
        lanes.withLock { $0 = [] }
    }
}
