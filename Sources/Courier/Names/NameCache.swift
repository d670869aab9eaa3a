import Outbox

/// What is known about names, and which look-ups run: the decisions of ``NameService``, without its threads and timers.
///
/// One look-up per name runs at a time, and all requests for the name wait for it. A look-up that overran its budget keeps
/// its thread, because getaddrinfo cannot be stopped. Until it returns, its name fails at once and takes no second thread.
struct NameCache<Waiter> {
    struct Entry {
        /// The newest answer.
        var answer: NameAnswer?
        /// Until when `answer` may be used.
        var freshUntil: ContinuousClock.Instant
        /// The last vetted addresses and when they were found.
        var lastVetted: (addresses: VettedAddresses, at: ContinuousClock.Instant)?
        var flight: Flight?
    }

    /// A look-up that waits for a thread or runs.
    struct Flight {
        enum State { case queued, running, overrun }
        var id: UInt64
        var state: State
        var waiters: [Waiter]
    }

    let limits: CourierConfiguration.Names
    private var entries: [String: Entry] = [:]
    private var queue: [String] = []
    private var running = 0
    private var lastID: UInt64 = 0
    private var lastGeneration: UInt64 = 0

    init(limits: CourierConfiguration.Names) {
        self.limits = limits
    }

    enum LookUpAction {
        /// The answer is known and may be used until the instant given.
        case answer(NameAnswer, freshUntil: ContinuousClock.Instant)
        /// The waiter was added to a look-up that had begun before.
        case wait
        /// A look-up has begun. Call `expire` when its budget is over.
        case begin(flight: UInt64)
    }

    /// Asks for `name`. Call `next` afterwards.
    mutating func lookUp(_ name: String, now: ContinuousClock.Instant, waiter: Waiter) -> LookUpAction {
        var entry = entries[name] ?? Entry(answer: nil, freshUntil: now, lastVetted: nil, flight: nil)
        if let answer = entry.answer, now < entry.freshUntil { return .answer(answer, freshUntil: entry.freshUntil) }
        if let flight = entry.flight {
            if flight.state == .overrun { return answerInstead(of: NameResolutionError(.timedOut), entry, now: now) }
            entries[name]?.flight?.waiters.append(waiter)
            return .wait
        }
        guard queue.count < limits.maximumQueued, makeRoom(now: now) else {
            return answerInstead(of: NameResolutionError(.overloaded), entry, now: now)
        }
        lastID += 1
        entry.flight = Flight(id: lastID, state: .queued, waiters: [waiter])
        entries[name] = entry
        queue.append(name)
        return .begin(flight: lastID)
    }

    /// The next name to resolve, if a thread is free.
    mutating func next() -> String? {
        guard running < max(1, limits.maximumThreads), !queue.isEmpty else { return nil }
        running += 1
        let name = queue.removeFirst()
        entries[name]?.flight?.state = .running
        return name
    }

    /// A look-up that `next` returned has ended. Returns who gets which answer.
    mutating func finish(
        _ name: String, _ result: Result<[IPAddress], NameResolutionError>, now: ContinuousClock.Instant,
        judge: (IPAddress) -> Bool
    ) -> (waiters: [Waiter], answer: NameAnswer, freshUntil: ContinuousClock.Instant) {
        running -= 1
        var entry = entries[name] ?? Entry(answer: nil, freshUntil: now, lastVetted: nil, flight: nil)
        let waiters = entry.flight?.waiters ?? []
        entry.flight = nil
        var answer = answer(for: result, last: entry.lastVetted?.addresses, judge: judge)
        entry.freshUntil = now + limits.failureLifetime
        switch answer {
        case .vetted(let addresses):
            entry.lastVetted = (addresses, now)
            entry.freshUntil = now + limits.lifetime
        case .blocked:
            entry.lastVetted = nil
        case .failed(let error):
            if error.code == .notFound { entry.lastVetted = nil }
            answer = stale(entry, now: now) ?? answer
        }
        entry.answer = answer
        entries[name] = entry
        return (waiters, answer, entry.freshUntil)
    }

    /// The budget of a look-up is over. Returns who gets which answer; nil when it ended before.
    mutating func expire(
        _ name: String, flight id: UInt64, now: ContinuousClock.Instant
    ) -> (waiters: [Waiter], answer: NameAnswer, freshUntil: ContinuousClock.Instant)? {
        guard var entry = entries[name], var flight = entry.flight, flight.id == id else { return nil }
        let waiters = flight.waiters
        flight.waiters = []
        if flight.state == .queued {
            queue.removeAll { $0 == name }
            entry.flight = nil
        } else {
            flight.state = .overrun
            entry.flight = flight
        }
        let answer = stale(entry, now: now) ?? .failed(NameResolutionError(.timedOut))
        entry.answer = answer
        entry.freshUntil = now + limits.failureLifetime
        entries[name] = entry
        return (waiters, answer, entry.freshUntil)
    }

    private mutating func answer(
        for result: Result<[IPAddress], NameResolutionError>, last: VettedAddresses?, judge: (IPAddress) -> Bool
    ) -> NameAnswer {
        switch result {
        case .failure(let error): return .failed(error)
        case .success(let addresses):
            if let forbidden = addresses.first(where: { !judge($0) }) { return .blocked(forbidden) }
            guard !addresses.isEmpty else { return .failed(NameResolutionError(.notFound)) }
            let used = Array(addresses.prefix(limits.maximumAddresses))
            if let last, Set(last.addresses) == Set(used) { return .vetted(last) }
            return .vetted(vet(used))
        }
    }

    /// A new generation for addresses that were judged.
    mutating func vet(_ addresses: [IPAddress]) -> VettedAddresses {
        lastGeneration += 1
        return VettedAddresses(addresses, generation: lastGeneration)
    }

    private func stale(_ entry: Entry, now: ContinuousClock.Instant) -> NameAnswer? {
        guard let last = entry.lastVetted, now < last.at + limits.lifetime + limits.staleLifetime else { return nil }
        return .vetted(last.addresses)
    }

    private func answerInstead(
        of error: NameResolutionError, _ entry: Entry, now: ContinuousClock.Instant
    ) -> LookUpAction {
        .answer(stale(entry, now: now) ?? .failed(error), freshUntil: now)
    }

    /// Forgets names when there are too many. False when all of them are being resolved.
    private mutating func makeRoom(now: ContinuousClock.Instant) -> Bool {
        guard entries.count >= limits.maximumNames else { return true }
        entries = entries.filter { $0.value.flight != nil || now < $0.value.freshUntil }
        if entries.count >= limits.maximumNames { entries = entries.filter { $0.value.flight != nil } }
        return entries.count < limits.maximumNames
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
