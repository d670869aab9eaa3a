import Dispatch
package import FlyingSocks
import Synchronization

/// Lets FlyingSocks (and FlyingFox) wait for sockets with Dispatch.
///
/// Their own epoll pool remembers descriptors by number. When a connection is closed in the instant between its wake-up
/// and its removal from epoll, the number stays marked, and every later connection that gets it waits without end. Here each
/// wait has a source of its own, and ends only when Dispatch has let go of the descriptor.
package struct DispatchSocketPool: AsyncSocketPool {
    private let queue = DispatchQueue(label: "postrider.sockets", target: .global())

    /// A pool with a serial queue of its own.
    package init() {}

    /// Nothing needs preparing.
    package func prepare() async throws {}

    /// Does nothing until it is cancelled: Dispatch runs the waiting.
    package func run() async throws {
        while true {
            try await Task.sleep(for: .seconds(3600))
        }
    }

    /// Waits until `socket` can be read from or written to.
    /// - Throws: `CancellationError` when the task is cancelled first.
    package func suspendSocket(_ socket: Socket, untilReadyFor events: Socket.Events) async throws {
        let wait = SocketWait()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let descriptor = socket.file.rawValue
                let source: any DispatchSourceProtocol =
                    events.contains(.write)
                    ? DispatchSource.makeWriteSource(fileDescriptor: descriptor, queue: queue)
                    : DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
                source.setEventHandler { source.cancel() }
                source.setCancelHandler { continuation.resume() }
                source.activate()
                wait.begin(SocketWait.Source(source: source))
            }
        } onCancel: {
            wait.cancel()
        }
        try Task.checkCancellation()
    }
}

/// Passes the cancellation of a task on to its source; either of the two may come first.
private final class SocketWait: Sendable {
    /// A source to cancel. Unchecked, because Dispatch allows `cancel` from any thread without telling the compiler.
    struct Source: @unchecked Sendable {
        fileprivate let source: any DispatchSourceProtocol
    }

    private enum State {
        /// No source yet. Next: `waiting`, or `cancelled`.
        case notBegun
        /// The source waits. Next: `cancelled`.
        case waiting(Source)
        /// The task was cancelled. The end.
        case cancelled
    }

    private let state = Mutex<State>(.notBegun)

    func begin(_ source: Source) {
        let isCancelled = state.withLock { state in
            guard case .notBegun = state else { return true }
            state = .waiting(source)
            return false
        }
        if isCancelled {
            source.source.cancel()
        }
    }

    func cancel() {
        let waiting: Source? = state.withLock { state in
            defer { state = .cancelled }
            guard case .waiting(let source) = state else { return nil }
            return source
        }
        waiting?.source.cancel()
    }
}
