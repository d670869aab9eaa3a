import NIOCore
import Synchronization

/// Tells a connection that its door closes.
struct DoorCloses {}

/// A connection of a sender.
final class Connection: Sendable {
    private let channel: any Channel
    private let inner: Mutex<ConnectionState>

    init(_ channel: any Channel, now: ContinuousClock.Instant) {
        self.channel = channel
        inner = Mutex(ConnectionState(now: now))
    }

    var state: ConnectionState { inner.withLock { $0 } }

    var id: ObjectIdentifier { ObjectIdentifier(channel) }

    /// From any thread.
    func close() {
        channel.close(promise: nil)
    }

    /// Closes when what has come is answered. To be called once.
    func quiesce() {
        channel.pipeline.fireUserInboundEventTriggered(DoorCloses())
    }

    func change<Result: Sendable>(_ body: (inout ConnectionState) -> Result) -> Result {
        inner.withLock { body(&$0) }
    }
}
