import Outbox
import Testing

@testable import Courier

@Suite("What is known about names")
struct NameCacheTests {
    private static let start = ContinuousClock.now
    private static let a = IPAddress.v4(0x0102_0304)
    private static let b = IPAddress.v4(0x0506_0708)

    private var cache = NameCache<Int>(limits: CourierConfiguration.Names())

    private func at(_ seconds: Int) -> ContinuousClock.Instant { Self.start + .seconds(seconds) }

    /// The generation of an answer that is known; nil when there is none, -1 for any other answer.
    private mutating func generation(_ name: String, at seconds: Int) -> Int? {
        switch cache.lookUp(name, now: at(seconds), waiter: 0) {
        case .answer(.vetted(let addresses), _): Int(addresses.generation)
        case .answer: -1
        case .begin, .wait: nil
        }
    }

    /// Runs the look-up that is due.
    @discardableResult
    private mutating func finish(
        _ result: Result<[IPAddress], NameResolutionError>, at seconds: Int, judge: (IPAddress) -> Bool = { _ in true }
    ) -> NameAnswer? {
        guard let name = cache.next() else { return nil }
        return cache.finish(name, result, now: at(seconds), judge: judge).answer
    }

    @Test("An answer is used for its lifetime and then asked for again; the same addresses keep their generation")
    mutating func lifetime() {
        #expect(generation("x", at: 0) == nil)
        finish(.success([Self.a, Self.b]), at: 0)
        #expect(generation("x", at: 9) == 1)
        #expect(generation("x", at: 10) == nil)
        finish(.success([Self.b, Self.a]), at: 10)
        #expect(generation("x", at: 11) == 1)
        #expect(generation("x", at: 20) == nil)
        finish(.success([Self.b]), at: 20)
        #expect(generation("x", at: 21) == 2)
    }

    @Test("Many wait for one look-up")
    mutating func singleFlight() {
        for number in 1...3 { _ = cache.lookUp("x", now: at(0), waiter: number) }
        #expect(cache.next() == "x")
        #expect(cache.next() == nil)
        #expect(cache.finish("x", .success([Self.a]), now: at(0), judge: { _ in true }).waiters == [1, 2, 3])
    }

    @Test("One forbidden address among the allowed blocks the name, however far behind it is")
    mutating func judging() {
        #expect(generation("x", at: 0) == nil)
        let many = (1...40).map { IPAddress.v4($0) }
        guard case .blocked(.v4(40)) = finish(.success(many), at: 0, judge: { $0 != .v4(40) }) else {
            Issue.record("not blocked")
            return
        }
        #expect(generation("x", at: 1) == -1)
        #expect(generation("x", at: 2) == nil)
        guard case .vetted(let addresses) = finish(.success(many), at: 2) else {
            Issue.record("not vetted")
            return
        }
        #expect(addresses.addresses == Array(many.prefix(16)))
    }

    @Test("The last good answer stands in while name servers fail, not when the name is gone or was blocked")
    mutating func stale() {
        func isVetted(_ answer: NameAnswer?) -> Bool {
            if case .vetted = answer { true } else { false }
        }
        #expect(generation("x", at: 0) == nil)
        finish(.success([Self.a]), at: 0)
        #expect(generation("x", at: 10) == nil)
        #expect(isVetted(finish(.failure(NameResolutionError(.temporary)), at: 10)))
        #expect(generation("x", at: 12) == nil)
        #expect(!isVetted(finish(.failure(NameResolutionError(.notFound)), at: 12)))
        #expect(generation("x", at: 14) == nil)
        #expect(!isVetted(finish(.failure(NameResolutionError(.temporary)), at: 14)))
        #expect(generation("y", at: 20) == nil)
        finish(.success([Self.a]), at: 20)
        #expect(generation("y", at: 1000) == nil)
        #expect(!isVetted(finish(.failure(NameResolutionError(.temporary)), at: 1000)), "too old")
    }

    @Test("A look-up over its budget keeps its thread, fails its name at once, and its late answer is used")
    mutating func overrun() {
        guard case .begin(let flight) = cache.lookUp("x", now: at(0), waiter: 7) else {
            Issue.record("no look-up")
            return
        }
        #expect(cache.next() == "x")
        let expired = cache.expire("x", flight: flight, now: at(5))
        #expect(expired?.waiters == [7])
        #expect(generation("x", at: 8) == -1)
        #expect(cache.next() == nil)
        #expect(cache.expire("x", flight: flight + 1, now: at(9)) == nil)
        #expect(cache.finish("x", .success([Self.a]), now: at(9), judge: { _ in true }).waiters.isEmpty)
        #expect(generation("x", at: 9) == 1)
    }

    @Test("Threads, queue and memory are bounded")
    mutating func bounds() {
        var limits = CourierConfiguration.Names()
        limits.maximumThreads = 2
        limits.maximumQueued = 3
        limits.maximumNames = 6
        cache = NameCache(limits: limits)
        for number in 0..<3 { #expect(generation("n\(number)", at: 0) == nil) }
        #expect(generation("n3", at: 0) == -1, "the queue is full")
        #expect(cache.next() != nil)
        #expect(cache.next() != nil)
        #expect(cache.next() == nil, "the threads are busy")
        for number in 3..<5 { #expect(generation("n\(number)", at: 0) == nil) }
        for name in ["n0", "n1"] { _ = cache.finish(name, .success([Self.a]), now: at(0), judge: { _ in true }) }
        while let name = cache.next() { _ = cache.finish(name, .success([Self.a]), now: at(0), judge: { _ in true }) }
        for number in 5..<8 { #expect(generation("n\(number)", at: 1) == nil, "old names make room") }
    }
}
