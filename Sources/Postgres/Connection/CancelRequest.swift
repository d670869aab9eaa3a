internal import CLibPQ
internal import Dispatch
internal import Synchronization

/// Asks the server to cancel the statement that it runs, over a connection of its own.
///
/// libpq manual, 34.7 "Canceling Queries in Progress": the cancel object is apart from its connection, and `PQcancel` may
/// be called on any thread. It blocks, without a limit of its own, so it gets a few threads of its own.
@safe
struct CancelRequest: ~Copyable {
    private let pointer: OpaquePointer

    /// The most requests in flight at once in this process. A call that finds all taken closes its connection instead.
    static let limit = 4

    private static let queue = DispatchQueue(label: "postgres.cancel", attributes: .concurrent)
    private static let inFlight = Atomic(0)

    init(_ pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
    }

    deinit {
        unsafe PQfreeCancel(pointer)
    }

    /// Sends the request and calls back when the server has acted on it.
    ///
    /// - Returns: whether it could be sent; otherwise nothing calls back.
    consuming func send(_ completion: @escaping @Sendable () -> Void) -> Bool {
        guard Self.inFlight.add(1, ordering: .relaxed).newValue <= Self.limit else {
            Self.inFlight.subtract(1, ordering: .relaxed)
            return false
        }
        let shared = SharedCancelRequest(self)
        Self.queue.async {
            shared.cancel()
            Self.inFlight.subtract(1, ordering: .relaxed)
            completion()
        }
        return true
    }

    /// Blocks until the server has acted, or cannot be reached.
    fileprivate borrowing func cancel() {
        // What went wrong shows by the statement going on: the grace period decides then.
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { complaint in
            _ = unsafe PQcancel(pointer, complaint.baseAddress, Int32(complaint.count))
        }
    }
}

/// Carries a request to the queue that sends it: one block owns it there.
private final class SharedCancelRequest: @unchecked Sendable {
    private let request: CancelRequest

    init(_ request: consuming CancelRequest) {
        self.request = request
    }

    func cancel() { request.cancel() }
}
