import Synchronization

/// The id of this worker in the database, once it is registered. Part of every fencing token.
final class WorkerIdentity: Sendable {
    private let value = Mutex<Int32?>(nil)

    var id: Int32? { value.withLock { $0 } }

    func set(_ id: Int32) {
        value.withLock { $0 = id }
    }
}
