import Outbox
import Testing

@testable import Courier

@Suite("What is known about names")
struct NameCacheTests {
    private static let start = ContinuousClock.now
    private static let a = IPAddress.v4(0x0102_0304)
    private static let b = IPAddress.v4(0x0506_0708)

    private var cache = NameCache<Int>(limits: CourierConfiguration.Names())
    /// The look-up that was begun last.
    private var flight: UInt64 = 0

    private func at(_ seconds: Double) -> ContinuousClock.Instant { Self.start + .seconds(seconds) }

    /// What asking for a name came to.
    private enum Asked: Equatable {
        /// The generation of the addresses; nil for any other answer. The second number is how long it may be used.
        case known(UInt64?, seconds: Double)
        case refresh(UInt64?, seconds: Double)
        case wait
        case begin
    }

    private mutating func ask(_ name: String, at seconds: Double, waiter: Int = 0) -> Asked {
        func generation(_ answer: NameAnswer) -> UInt64? {
            if case .vetted(let addresses) = answer { addresses.generation } else { nil }
        }
        func wait(_ until: ContinuousClock.Instant) -> Double { (until - at(seconds)) / .seconds(1) }
        switch cache.lookUp(name, now: at(seconds), waiter: waiter) {
        case .answer(let answer, let until): return .known(generation(answer), seconds: wait(until))
        case .refresh(let answer, let until, let flight):
            self.flight = flight
            return .refresh(generation(answer), seconds: wait(until))
        case .wait: return .wait
        case .begin(let flight):
            self.flight = flight
            return .begin
        }
    }

    /// Ends the look-up that was begun last.
    @discardableResult
    private mutating func finish(
        _ addresses: [IPAddress], of name: String = "x", life: Int = 40, at seconds: Double,
        judge: (IPAddress) -> Bool = { _ in true }
    ) -> NameAnswer? {
        let records = NameRecords(addresses: addresses, timeToLive: .seconds(life))
        return cache.finish(name, flight: flight, .success(records), now: at(seconds), judge: judge)?.answer
    }

    @discardableResult
    private mutating func fail(_ code: NameResolutionError.Code, of name: String = "x", at seconds: Double)
        -> NameAnswer?
    {
        let failure = NameResolutionError(code)
        return cache.finish(name, flight: flight, .failure(failure), now: at(seconds), judge: { _ in true })?.answer
    }

    @Test("An answer is used for its life, and the same addresses keep their generation")
    mutating func lifetime() {
        #expect(ask("x", at: 0) == .begin)
        finish([Self.a, Self.b], at: 0)
        #expect(ask("x", at: 29) == .known(1, seconds: 1))
        #expect(ask("x", at: 40) == .begin)
        finish([Self.b, Self.a], at: 40)
        #expect(ask("x", at: 41) == .known(1, seconds: 29))
        #expect(ask("x", at: 80) == .begin)
        finish([Self.b], at: 80)
        #expect(ask("x", at: 81) == .known(2, seconds: 29))
    }

    @Test("A name in use is looked up before its answer's life ends, once, and no request waits")
    mutating func refreshAhead() {
        #expect(ask("x", at: 0) == .begin)
        finish([Self.a], at: 0)
        #expect(ask("x", at: 30) == .refresh(1, seconds: 2))
        #expect(ask("x", at: 31) == .known(1, seconds: 2))
        #expect(ask("x", at: 39) == .known(1, seconds: 1))
        #expect(ask("x", at: 40) == .wait)
        finish([Self.b], at: 40)
        #expect(ask("x", at: 40) == .known(2, seconds: 30))
    }

    @Test("A life has bounds", arguments: [(0, 1.0), (1, 1), (2, 2), (60, 60), (61, 60), (2_147_483_647, 60)])
    mutating func bounds(_ life: Int, _ expected: Double) {
        #expect(ask("x", at: 0) == .begin)
        finish([Self.a], life: life, at: 0)
        #expect(ask("x", at: 0) == .known(1, seconds: expected * 3 / 4))
        #expect(ask("x", at: expected) == .begin)
    }

    @Test("Failures and refusals are used for two seconds", arguments: [true, false])
    mutating func negative(_ isBlocked: Bool) {
        #expect(ask("x", at: 0) == .begin)
        if isBlocked { finish([Self.a], at: 0) { _ in false } } else { fail(.notFound, at: 0) }
        #expect(ask("x", at: 1) == .known(nil, seconds: 1))
        #expect(ask("x", at: 2) == .begin)
    }

    @Test("Many wait for one look-up, and it ends once")
    mutating func singleFlight() {
        #expect(ask("x", at: 0, waiter: 1) == .begin)
        for number in 2...3 { #expect(ask("x", at: 0, waiter: number) == .wait) }
        let answer = Result<NameRecords, NameResolutionError>.failure(NameResolutionError(.timedOut))
        let end = cache.finish("x", flight: flight, answer, now: at(5), judge: { _ in true })
        #expect(end?.waiters == [1, 2, 3])
        #expect(finish([Self.a], at: 6) == nil)
        #expect(ask("x", at: 6) == .known(nil, seconds: 1), "a late answer changes nothing")
    }

    @Test("Who waited for a look-up that was abandoned hears of it, and the next one asks again")
    mutating func abandoned() {
        #expect(ask("x", at: 0, waiter: 1) == .begin)
        #expect(ask("x", at: 0, waiter: 2) == .wait)
        #expect(cache.abandon("x", flight: flight + 1) == [])
        #expect(cache.abandon("x", flight: flight) == [1, 2])
        #expect(ask("x", at: 0) == .begin)
    }

    @Test("One forbidden address among the allowed blocks the name, however far behind it is")
    mutating func judging() {
        #expect(ask("x", at: 0) == .begin)
        let many = (1...40).map { IPAddress.v4($0) }
        guard case .blocked(.v4(40)) = finish(many, at: 0, judge: { $0 != .v4(40) }) else {
            Issue.record("not blocked")
            return
        }
        #expect(ask("x", at: 2) == .begin)
        guard case .vetted(let addresses) = finish(many, at: 2) else {
            Issue.record("not vetted")
            return
        }
        #expect(addresses.addresses == Array(many.prefix(16)))
    }

    @Test("The last good answer stands in while name servers fail, and no request waits for them")
    mutating func stale() {
        #expect(ask("x", at: 0) == .begin)
        finish([Self.a], at: 0)
        #expect(ask("x", at: 40) == .begin)
        fail(.serverFailure, at: 40)
        #expect(ask("x", at: 41) == .known(1, seconds: 1))
        #expect(ask("x", at: 42) == .refresh(1, seconds: 2))
        fail(.timedOut, at: 47)
        #expect(ask("x", at: 48) == .known(1, seconds: 1))
        #expect(ask("x", at: 339) == .refresh(1, seconds: 1))
        #expect(ask("x", at: 340) == .wait, "five minutes after its end it is too old")
        fail(.timedOut, at: 340)
        #expect(ask("x", at: 341) == .known(nil, seconds: 1))
    }

    @Test("An earlier answer does not stand in for a name that is gone or was blocked", arguments: [true, false])
    mutating func notStale(_ isBlocked: Bool) {
        #expect(ask("x", at: 0) == .begin)
        finish([Self.a], at: 0)
        #expect(ask("x", at: 30) == .refresh(1, seconds: 2))
        if isBlocked { finish([Self.a], at: 31) { _ in false } } else { fail(.notFound, at: 31) }
        #expect(ask("x", at: 32) == .known(nil, seconds: 1))
        #expect(ask("x", at: 33) == .begin)
        fail(.serverFailure, at: 33)
        #expect(ask("x", at: 34) == .known(nil, seconds: 1))
    }

    @Test("Memory is bounded: the names whose answers end first make room, those that are looked up stay")
    mutating func memory() {
        var limits = CourierConfiguration.Names()
        limits.maximumNames = 6
        cache = NameCache(limits: limits)
        for number in 0..<5 {
            #expect(ask("n\(number)", at: 0) == .begin)
            finish([Self.a], of: "n\(number)", life: 50 + number, at: 0)
        }
        #expect(ask("slow", at: 0, waiter: 9) == .begin)
        let slow = flight
        #expect(ask("new", at: 1) == .begin)
        #expect(ask("n4", at: 1) == .known(5, seconds: 39.5))
        #expect(ask("n0", at: 1) == .begin)
        #expect(cache.abandon("slow", flight: slow) == [9])
        for number in 10..<14 { _ = ask("m\(number)", at: 1) }
        for number in 20..<26 { _ = ask("m\(number)", at: 1) }
        #expect(ask("more", at: 1) == .known(nil, seconds: 0), "all are being looked up")
    }
}
