import NIOCore
import Synchronization

/// All connections of a door: ends those that take too long or are too many, and bounds what their bodies hold.
final class Connections: Sendable {
    private struct Inner {
        var all: [ObjectIdentifier: Connection] = [:]
        var heldBytes = 0
        var ended = 0
        /// When no more than the last answers are left to give.
        var drain: (bodiesUntil: ContinuousClock.Instant, answersUntil: ContinuousClock.Instant)?
    }

    let limits: ConnectionLimits
    private let inner = Mutex(Inner())

    init(limits: ConnectionLimits) {
        self.limits = limits
    }

    var count: Int { inner.withLock(\.all.count) }
    /// How many bytes of bodies are held.
    var heldBytes: Int { inner.withLock(\.heldBytes) }
    /// How many connections this has ended.
    var ended: Int { inner.withLock(\.ended) }

    /// The connection of a channel; nil when it has just ended.
    func find(_ channel: any Channel) -> Connection? {
        inner.withLock { $0.all[ObjectIdentifier(channel)] }
    }

    func add(_ connection: Connection, now: ContinuousClock.Instant) {
        let dispensed = inner.withLock { inner -> Connection? in
            inner.all[connection.id] = connection
            guard inner.all.count > limits.connections else { return nil }
            inner.ended += 1
            // Where all others wait for us, the new one has to go.
            let other = Self.mostDispensable(of: inner.all.values.filter { $0 !== connection }, now: now) ?? connection
            inner.all[other.id] = nil
            Self.letGo(other, &inner)
            return other
        }
        dispensed?.close()
    }

    func remove(_ connection: Connection) {
        inner.withLock { inner in
            inner.all[connection.id] = nil
            Self.letGo(connection, &inner)
        }
    }

    /// Ends every connection whose time is over.
    func sweep(now: ContinuousClock.Instant) {
        let overdue = inner.withLock { inner in
            let overdue = inner.all.values.filter { connection in
                let state = connection.state
                if let drain = inner.drain, now > (state.phase == .answering ? drain.answersUntil : drain.bodiesUntil) {
                    return true
                }
                return state.isOverdue(limits, now: now)
            }
            inner.ended += overdue.count
            return overdue
        }
        for connection in overdue { connection.close() }
    }

    /// From now on requests have half of this time to come to their end, and answers nine tenths of it.
    func drain(within time: Duration, now: ContinuousClock.Instant) {
        inner.withLock { $0.drain = (now + time / 2, now + time * 9 / 10) }
    }

    private static func mostDispensable(of connections: [Connection], now: ContinuousClock.Instant) -> Connection? {
        var best: (connection: Connection, rank: Int, since: ContinuousClock.Instant)?
        for connection in connections {
            let state = connection.state
            guard let rank = state.dispensability(now: now) else { continue }
            if let best, (best.rank, best.since) <= (rank, state.since) { continue }
            best = (connection, rank, state.since)
        }
        return best?.connection
    }
}

// MARK: - Bodies

extension Connections {
    /// Takes bytes of a body into account. Where all together hold too much, the body that has been coming for longest is ended.
    ///
    /// - Returns: whether there is room for them.
    func hold(_ bytes: Int, of connection: Connection) -> Bool {
        let (isHeld, dispensed) = inner.withLock { inner -> (Bool, [Connection]) in
            inner.heldBytes += bytes
            connection.change { $0.heldBytes += bytes }
            var dispensed: [Connection] = []
            while inner.heldBytes > limits.heldBytes {
                let coming = inner.all.values.filter { $0.state.phase == .body && $0.state.heldBytes > 0 }
                guard let oldest = coming.min(by: { $0.state.since < $1.state.since }), oldest !== connection else {
                    return (false, dispensed)
                }
                inner.ended += 1
                Self.letGo(oldest, &inner)
                dispensed.append(oldest)
            }
            return (true, dispensed)
        }
        for other in dispensed { other.close() }
        return isHeld
    }

    /// The body of this connection's request is no longer held.
    func release(_ connection: Connection) {
        inner.withLock { Self.letGo(connection, &$0) }
    }

    private static func letGo(_ connection: Connection, _ inner: inout Inner) {
        inner.heldBytes -= connection.change { state in
            defer { state.heldBytes = 0 }
            return state.heldBytes
        }
    }
}
