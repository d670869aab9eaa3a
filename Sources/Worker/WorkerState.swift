import Synchronization

/// What the loops of one worker tell each other. Health shows some of it to the outside; no loop asks health.
final class WorkerState: Sendable {
    private struct Facts {
        var id: Int32?
        var hasReconnected = false
        var heldBack = 0
        var heldBackWhy: String?
        var isStorageFull = false
        var isBehind = false
        /// Nil until the clocks have been compared.
        var isClockOff: Bool?
        var clockAhead: Duration?
        var isOnLeftServer = false
        var isDraining = false
        var isDrainCut = false
        var givenUp = 0
    }

    private let facts = Mutex(Facts())

    /// The id of this worker in the database, once it is registered. Part of every fencing token.
    var id: Int32? { facts.withLock { $0.id } }

    func registered(as id: Int32) {
        facts.withLock { $0.id = id }
    }

    /// The database does not know this worker any more: it was replaced or restored, or has forgotten it.
    func lostRegistration() {
        facts.withLock { $0.id = nil }
    }

    /// Whether a loop other than the claimer and the shaper is on a server that this worker has left, or found only such a one.
    var isOnLeftServer: Bool { facts.withLock { $0.isOnLeftServer } }

    func found(leftServer isLeft: Bool) {
        facts.withLock { $0.isOnLeftServer = isLeft }
    }

    /// The claimer's connection was lost and made again.
    func reconnected() {
        facts.withLock { $0.hasReconnected = true }
    }

    /// Whether the claimer's connection is another one than at the last call.
    func takeReconnect() -> Bool {
        facts.withLock { facts in
            defer { facts.hasReconnected = false }
            return facts.hasReconnected
        }
    }

    /// How many endpoints the claimer leaves to other workers, and why the first of them.
    var heldBack: (count: Int, why: String?) { facts.withLock { ($0.heldBack, $0.heldBackWhy) } }

    func heldBack(_ count: Int, _ why: String?) {
        facts.withLock { facts in
            facts.heldBack = count
            facts.heldBackWhy = why
        }
    }

    /// Whether the last settle failed because the database has no room left.
    var isStorageFull: Bool { facts.withLock { $0.isStorageFull } }

    func found(storageFull isFull: Bool) {
        facts.withLock { $0.isStorageFull = isFull }
    }

    /// Whether outcomes cannot be recorded just now. More deliveries would end the same way, and what is recorded late must
    /// not be claimed before that: nothing is claimed.
    var isBehind: Bool { facts.withLock { $0.isBehind } }

    func found(behind isBehind: Bool) {
        facts.withLock { $0.isBehind = isBehind }
    }

    /// - Returns: whether it is news that this machine's clock is too far from the database's. That they agree is none at the
    ///   start.
    @discardableResult
    func found(_ skew: ClockSkew) -> Bool {
        facts.withLock { facts in
            defer {
                facts.isClockOff = skew.isTooMuch
                facts.clockAhead = skew.ahead
            }
            return skew.isTooMuch != (facts.isClockOff ?? false)
        }
    }

    /// How far this machine's clock is ahead of the database's, at least; nil until they have been compared.
    var clockAhead: Duration? { facts.withLock { $0.clockAhead } }

    /// Whether more may be claimed: outcomes can be recorded, and receivers will accept what is signed. Not before the clocks
    /// have been compared.
    var mayClaim: Bool { facts.withLock { !$0.isBehind && $0.isClockOff == false } }

    // MARK: The end

    /// Whether the worker was told to stop and finishes what is in flight.
    var isDraining: Bool { facts.withLock { $0.isDraining } }

    func beginDrain() {
        facts.withLock { $0.isDraining = true }
    }

    /// Whether the drain is to end now, before its timeout.
    var isDrainCut: Bool { facts.withLock { $0.isDrainCut } }

    func cutDrain() {
        facts.withLock { $0.isDrainCut = true }
    }

    /// How many outcomes were given up since the drain began.
    var givenUpInDrain: Int { facts.withLock { $0.givenUp } }

    func gaveUp(_ count: Int) {
        facts.withLock { if $0.isDraining { $0.givenUp += count } }
    }
}
