import NIOCore
import Synchronization

/// All connections of a door: ends those that take too long or are too many, and bounds what their bodies hold.
package final class Connections: Sendable {
    /// How many connections a look for room goes through, so that none takes long however many there are.
    static let mostLookedAt = 128
    /// How many one sweep goes through. To end a connection costs something, and more where its sender comes again: thousands that
    /// are overdue together end one after the other.
    static let mostSwept = 8

    private struct Inner {
        var all = ConnectionRing()
        var heldBytes = 0
        var ended = 0
        /// When no more than the last answers are left to give.
        var drain: (bodiesUntil: ContinuousClock.Instant, answersUntil: ContinuousClock.Instant)?
        /// Who waits until there are none.
        var waiting: CheckedContinuation<Void, Never>?
    }

    let limits: ConnectionLimits
    private let inner = Mutex(Inner())
    private let turns = Mutex<[ObjectIdentifier: NIOLoopBound<LoopTurns>]>([:])

    init(limits: ConnectionLimits) {
        self.limits = limits
    }

    package var count: Int { inner.withLock(\.all.count) }
    /// How many bytes of bodies are held.
    package var heldBytes: Int { inner.withLock(\.heldBytes) }
    /// How many connections this has ended.
    package var ended: Int { inner.withLock(\.ended) }

    func add(_ connection: Connection, now: ContinuousClock.Instant) {
        let dispensed = inner.withLock { inner -> Connection? in
            inner.all.insert(connection)
            guard inner.drain == nil else { return connection }
            guard inner.all.count > limits.connections else { return nil }
            inner.ended += 1
            // Where all others that are looked at wait for us, the new one has to go.
            let others = inner.all.next(Self.mostLookedAt, for: .room).filter { $0 !== connection }
            let other = Self.mostDispensable(of: others, now: now) ?? connection
            inner.all.remove(other)
            Self.letGo(other, &inner)
            return other
        }
        dispensed?.close()
    }

    func remove(_ connection: Connection) {
        let waiting = inner.withLock { inner -> CheckedContinuation<Void, Never>? in
            inner.all.remove(connection)
            Self.letGo(connection, &inner)
            guard inner.all.count == 0 else { return nil }
            return inner.waiting.take()
        }
        waiting?.resume()
    }

    /// The turns of an event loop. To be called on it.
    func turns(of loop: any EventLoop) -> LoopTurns {
        turns.withLock { turns in
            let known = turns[ObjectIdentifier(loop)] ?? NIOLoopBound(LoopTurns(loop), eventLoop: loop)
            turns[ObjectIdentifier(loop)] = known
            return known
        }.value
    }

    /// How many calls of ``sweep(now:)`` it takes to come round. None where there is no connection, so that a process at rest sleeps.
    var sweeps: Int { (count + Self.mostSwept - 1) / Self.mostSwept }

    /// Looks at the next connections, and ends those whose time is over.
    func sweep(now: ContinuousClock.Instant) {
        let overdue = inner.withLock { inner in
            let overdue = inner.all.next(Self.mostSwept, for: .sweep).filter { connection in
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

// MARK: - The end of all

extension Connections {
    /// From now on requests that have begun have half of this time to come to their end, and answers nine tenths of it. Connections
    /// without one end at once, and so do new ones.
    func drain(within time: Duration, now: ContinuousClock.Instant) {
        let all = inner.withLock { inner -> [Connection] in
            guard inner.drain == nil else { return [] }
            inner.drain = (now + time / 2, now + time * 9 / 10)
            return inner.all.all
        }
        for connection in all { connection.quiesce() }
    }

    /// Ends all connections, and each new one.
    func end() {
        let all = inner.withLock { inner in
            inner.drain = (.now, .now)
            return inner.all.all
        }
        for connection in all { connection.close() }
    }

    /// Waits until there are none. To be called by one alone, when no more are taken.
    func waitUntilGone() async {
        await withCheckedContinuation { continuation in
            let isGone = inner.withLock { inner in
                guard inner.all.count > 0 else { return true }
                inner.waiting = continuation
                return false
            }
            if isGone { continuation.resume() }
        }
    }
}

// MARK: - Bodies

extension Connections {
    /// Takes bytes of a body into account. Where all together hold too much, the bodies that have been coming for longest are ended,
    /// until there is room for some time: each such look goes through all connections.
    ///
    /// - Returns: whether there is room for them.
    func hold(_ bytes: Int, of connection: Connection) -> Bool {
        let (isHeld, dispensed) = inner.withLock { inner -> (Bool, [Connection]) in
            inner.heldBytes += bytes
            connection.change { $0.heldBytes += bytes }
            guard inner.heldBytes > limits.heldBytes else { return (true, []) }
            let coming = inner.all.all.map { (connection: $0, state: $0.state) }
                .filter { $0.state.phase == .body && $0.state.heldBytes > 0 }.sorted { $0.state.since < $1.state.since }
            var dispensed: [Connection] = []
            for oldest in coming where inner.heldBytes > limits.heldBytes - limits.heldBytes / 8 {
                guard oldest.connection !== connection else { break }
                inner.ended += 1
                Self.letGo(oldest.connection, &inner)
                dispensed.append(oldest.connection)
            }
            return (inner.heldBytes <= limits.heldBytes, dispensed)
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
