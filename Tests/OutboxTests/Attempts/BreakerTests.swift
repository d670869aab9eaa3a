import Outbox
import TestSupport
import Testing

@Suite("The breaker")
struct BreakerTests {
    @Test("closes after five failures in a row, and not after four with an answer between them")
    func fiveInARow() {
        var breaker = Breaker()
        for round in 1...3 {
            for _ in 1...4 { #expect(breaker.struck(random: 0.5) == nil, "\(round)") }
            breaker.answered()
        }
        for _ in 1...4 { #expect(breaker.struck(random: 0.5) == nil) }
        #expect(breaker.struck(random: 0.5) == .seconds(5))
        #expect(breaker.closures == 1 && breaker.window == 1)
    }

    @Test("waits twice as long after each probe that fails, up to ten minutes, ±20 %")
    func pauses() {
        #expect(Breaker.pauses { 0.5 } == [5, 10, 20, 40, 80, 160, 320, 600].map { .seconds($0) })
        #expect(Breaker.pauses { 0 }.first == .seconds(4) && Breaker.pauses { 0 }.last == .seconds(480))
        #expect(Breaker.pauses { 1 }.last == .seconds(720))
        #expect(Breaker.pause(.max, random: .nan) == .seconds(600) && Breaker.pause(.min, random: 9) == .seconds(6))
    }

    @Test("learns nothing from failures of attempts that began before it closed")
    func leftovers() {
        var breaker = Breaker()
        for _ in 1...5 { _ = breaker.struck(random: 0.5) }
        for _ in 1...100 { #expect(breaker.struck(isProbe: false, random: 0.5) == nil) }
        #expect(breaker.closures == 1)
        #expect(breaker.struck(random: 0.5) == .seconds(10))
    }

    @Test("opens with a slow start: 1, 2, 4 and so on, as answers come, and begins it again at a failure")
    func slowStart() {
        var breaker = Breaker()
        for _ in 1...5 { _ = breaker.struck(random: 0.5) }
        var rounds: [Int] = []
        while let window = breaker.window {
            rounds.append(window)
            for _ in 1...window { breaker.answered() }
        }
        #expect(rounds == [1, 2, 4, 8, 16, 32, 64])
        #expect(breaker == Breaker())

        for _ in 1...5 { _ = breaker.struck(random: 0.5) }
        for _ in 1...7 { breaker.answered() }
        #expect(breaker.window == 8)
        #expect(breaker.struck(random: 0.5) == nil && breaker.window == 1)
    }

    /// Requests of one second each, as many at once as the breaker lets.
    private struct Run {
        var requests: [Int] = []
        var delivered = 0
        var healedAt: Int?
        var busiest: [Int] = []

        init(hours: Int, backlog: Int, random: inout SeededGenerator, isUp: (Int) -> Bool) {
            var breaker = Breaker()
            var openAt = Duration.zero
            for second in 0..<hours * 3_600 {
                let now = Duration.seconds(second)
                guard now >= openAt, delivered < backlog else {
                    requests.append(0)
                    continue
                }
                let inFlight = min(breaker.window ?? 100, backlog - delivered)
                requests.append(inFlight)
                for _ in 0..<inFlight {
                    if isUp(second) {
                        breaker.answered()
                        delivered += 1
                    } else if let pause = breaker.struck(
                        isProbe: now >= openAt, random: Double.random(in: 0..<1, using: &random))
                    {
                        openAt = now + .seconds(1) + pause
                    }
                }
            }
        }
    }

    @Test(
        "over hours: a dead endpoint gets a probe at a time; healed, it has all of a backlog soon, without a burst",
        arguments: 0..<20)
    func overHours(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let healedAt = Int.random(in: 600...18_000, using: &random)
        let run = Run(hours: 6, backlog: 5_000, random: &random) { $0 >= healedAt }
        let whileDown = run.requests.prefix(healedAt)
        // The first second is under way when it closes. Then single probes: eight of growing pauses, and one in eight minutes or more.
        #expect(whileDown.dropFirst().allSatisfy { $0 <= 1 })
        #expect(whileDown.dropFirst().reduce(0, +) <= 9 + healedAt / 480)
        let after = run.requests.dropFirst(healedAt)
        let first = after.firstIndex { $0 > 0 } ?? .max
        #expect(first - healedAt <= 721)
        #expect(run.delivered == 5_000)
        // Twice as many each second, until it is as before.
        #expect(Array(run.requests[first..<first + 8]) == [1, 2, 4, 8, 16, 32, 64, 100])
    }

    @Test("never holds an endpoint that answers every fifth time or more often")
    func flaky() {
        var breaker = Breaker()
        for turn in 0..<10_000 {
            if turn % 5 == 4 { breaker.answered() } else { #expect(breaker.struck(random: 0.5) == nil) }
        }
    }
}
