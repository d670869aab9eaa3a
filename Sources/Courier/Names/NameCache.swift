import Outbox

/// What is known about names, and which look-ups run: the decisions of ``NameService``.
///
/// One look-up per name runs at a time, and all requests for the name wait for it. A name that is asked for in the last
/// quarter of its answer's life is looked up ahead, so that no request waits for a name in use.
struct NameCache<Waiter> {
    private struct Entry {
        /// The newest answer.
        var answer: NameAnswer?
        /// From when on the name is looked up again while `answer` is used.
        var refreshAt: ContinuousClock.Instant
        /// Until when `answer` may be used.
        var usableUntil: ContinuousClock.Instant
        /// The last vetted addresses, and until when they stand in while name servers fail.
        var lastVetted: (addresses: VettedAddresses, usableUntil: ContinuousClock.Instant)?
        var flight: Flight?
    }

    /// A look-up that runs, and who waits for it.
    private struct Flight {
        var id: UInt64
        var waiters: [Waiter]
    }

    let limits: CourierConfiguration.Names
    private var entries: [String: Entry] = [:]
    private var lastFlight: UInt64 = 0
    private var lastGeneration: UInt64 = 0

    init(limits: CourierConfiguration.Names) {
        self.limits = limits
    }

    enum LookUpAction {
        /// The answer is known and may be used until the instant given.
        case answer(NameAnswer, freshUntil: ContinuousClock.Instant)
        /// As `answer`; and a look-up has begun that the waiter does not wait for.
        case refresh(NameAnswer, freshUntil: ContinuousClock.Instant, flight: UInt64)
        /// The waiter was added to a look-up that had begun before.
        case wait
        /// A look-up has begun, and the waiter waits for it.
        case begin(flight: UInt64)
    }

    /// Asks for `name`.
    mutating func lookUp(_ name: String, now: ContinuousClock.Instant, waiter: Waiter) -> LookUpAction {
        if let entry = entries[name], let answer = entry.answer, now < entry.usableUntil {
            if now < entry.refreshAt { return .answer(answer, freshUntil: entry.refreshAt) }
            // Asked again soon, so that what the look-up brings does not wait for the end of a long life.
            let freshUntil = min(entry.usableUntil, now + limits.failureLifetime)
            guard entry.flight == nil else { return .answer(answer, freshUntil: freshUntil) }
            let flight = nextFlight([])
            entries[name]?.flight = flight
            return .refresh(answer, freshUntil: freshUntil, flight: flight.id)
        }
        if entries[name]?.flight != nil {
            entries[name]?.flight?.waiters.append(waiter)
            return .wait
        }
        guard entries[name] != nil || makeRoom(now: now) else {
            return .answer(.failed(NameResolutionError(.overloaded)), freshUntil: now)
        }
        let flight = nextFlight([waiter])
        entries[name, default: Entry(refreshAt: now, usableUntil: now)].flight = flight
        return .begin(flight: flight.id)
    }

    /// A look-up has ended. Returns who gets which answer; nil when it was ended before.
    mutating func finish(
        _ name: String, flight id: UInt64, _ result: Result<NameRecords, NameResolutionError>,
        now: ContinuousClock.Instant, judge: (IPAddress) -> Bool
    ) -> (waiters: [Waiter], answer: NameAnswer, freshUntil: ContinuousClock.Instant)? {
        guard var entry = entries[name], let flight = entry.flight, flight.id == id else { return nil }
        entry.flight = nil
        let answer = answer(for: result, last: entry.lastVetted?.addresses, judge: judge)
        entry.answer = answer
        entry.refreshAt = now + limits.failureLifetime
        entry.usableUntil = entry.refreshAt
        switch answer {
        case .vetted(let addresses):
            let life = lifetime(of: result)
            entry.refreshAt = now + life * 3 / 4
            entry.usableUntil = now + life
            entry.lastVetted = (addresses, entry.usableUntil + limits.staleLifetime)
        case .blocked:
            entry.lastVetted = nil
        case .failed(let error):
            if error.isAboutName { entry.lastVetted = nil }
            if let last = entry.lastVetted, now < last.usableUntil {
                entry.answer = .vetted(last.addresses)
                entry.usableUntil = last.usableUntil
            }
        }
        entries[name] = entry
        return (flight.waiters, entry.answer ?? answer, entry.refreshAt)
    }

    /// A look-up has ended without an answer. Returns who waited for it.
    mutating func abandon(_ name: String, flight id: UInt64) -> [Waiter] {
        guard let flight = entries[name]?.flight, flight.id == id else { return [] }
        entries[name]?.flight = nil
        return flight.waiters
    }

    private mutating func nextFlight(_ waiters: [Waiter]) -> Flight {
        lastFlight += 1
        return Flight(id: lastFlight, waiters: waiters)
    }

    /// The time to live that the name servers gave, within bounds.
    private func lifetime(of result: Result<NameRecords, NameResolutionError>) -> Duration {
        guard case .success(let records) = result else { return limits.failureLifetime }
        return min(max(records.timeToLive, limits.shortestLifetime), limits.longestLifetime)
    }

    private mutating func answer(
        for result: Result<NameRecords, NameResolutionError>, last: VettedAddresses?, judge: (IPAddress) -> Bool
    ) -> NameAnswer {
        switch result {
        case .failure(let error): return .failed(error)
        case .success(let records):
            if let forbidden = records.addresses.first(where: { !judge($0) }) { return .blocked(forbidden) }
            guard !records.addresses.isEmpty else { return .failed(NameResolutionError(.noAddress)) }
            let used = Array(records.addresses.prefix(limits.maximumAddresses))
            if let last, Set(last.addresses) == Set(used) { return .vetted(last) }
            return .vetted(vet(used))
        }
    }

    /// A new generation for addresses that were judged.
    mutating func vet(_ addresses: [IPAddress]) -> VettedAddresses {
        lastGeneration += 1
        return VettedAddresses(addresses, generation: lastGeneration)
    }

    /// Forgets names when there are too many: those whose answers are over, and if that is too few, also the half whose
    /// answers end first. False when all of them are being looked up.
    private mutating func makeRoom(now: ContinuousClock.Instant) -> Bool {
        guard entries.count >= limits.maximumNames else { return true }
        entries = entries.filter { $0.value.flight != nil || now < $0.value.usableUntil }
        if entries.count >= limits.maximumNames {
            let ends = entries.values.filter { $0.flight == nil }.map(\.usableUntil).sorted()
            guard !ends.isEmpty else { return false }
            let median = ends[ends.count / 2]
            entries = entries.filter { $0.value.flight != nil || median < $0.value.usableUntil }
        }
        return true
    }
}

enum NameAnswer: Sendable {
    /// Every address is allowed.
    case vetted(VettedAddresses)
    /// The policy forbids this address of the name, so it forbids the name.
    case blocked(IPAddress)
    case failed(NameResolutionError)
}

/// All addresses of one host, after the address policy has allowed every one of them.
///
/// `generation` is the identity of the set: another look-up with the same addresses gives the same generation, one with
/// other addresses a new one. Connections are kept apart by it.
final class VettedAddresses: Sendable {
    let addresses: [IPAddress]
    let generation: UInt64

    init(_ addresses: [IPAddress], generation: UInt64) {
        self.addresses = addresses
        self.generation = generation
    }

    func contains(_ address: IPAddress) -> Bool {
        addresses.contains(address)
    }

    /// The addresses in the notation of `CURLOPT_RESOLVE`.
    var text: String {
        addresses.map { EndpointURL.Host.address($0).description }.joined(separator: ",")
    }
}
