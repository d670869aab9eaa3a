import Outbox
import TestSupport
import Testing

@Suite("Fair share")
struct FairShareTests {
    private let share = FairShare.standard

    @Test("a lone endpoint gets two thirds")
    func lone() {
        #expect(share.room(free: 512, held: 0) == 341)
        #expect(share.room(free: 171, held: 341) == 0)
    }

    @Test("an endpoint that holds none gets one while one is free")
    func newcomer() {
        #expect(share.room(free: 1, held: 0) == 1)
        #expect(share.room(free: 0, held: 0) == 0)
        #expect(share.room(free: -5, held: 0) == 0)
    }

    @Test("for all numbers: the rule holds after taking, the last permit is only for newcomers")
    func rule() {
        for free in 0...200 {
            for held in 0...200 {
                let room = share.room(free: free, held: held)
                #expect((0...free).contains(room))
                if held > 0 {
                    #expect(room == 0 || (held + room <= 2 * (free - room) && room < free))
                    #expect(held + room + 1 > 2 * (free - room - 1), "no permit is kept back without need")
                }
            }
        }
        #expect(share.room(free: .max, held: .max) == 0)
        #expect(share.room(free: .max, held: .min) > 0)
    }

    @Test("one by one, endpoints that hang never take the last permits", arguments: [1, 10, 90, 150])
    func hanging(endpoints: Int) {
        let total = 512
        var held = [Int](repeating: 0, count: endpoints)
        for _ in 0..<total {
            for index in held.indices {
                held[index] += min(1, share.room(free: total - held.reduce(0, +), held: held[index]))
            }
        }
        let free = total - held.reduce(0, +)
        #expect(free >= 1)
        #expect(share.room(free: free, held: 0) >= 1, "a healthy endpoint still moves")
        #expect((held.max() ?? 0) - (held.min() ?? 0) <= 1, "those that hang hold equal shares")
    }

    @Test("a healthy endpoint finishes its work beside 90 that hang until their timeout and take whole batches")
    func healthy() {
        var generator = SeededGenerator(seed: 10)
        let total = 512
        let timeout = 15
        // When each permit that an endpoint holds comes back, in rounds.
        var hanging = [[Int]](repeating: [], count: 90)
        var free = total
        var starved = 0
        for round in 0..<2_000 {
            for index in hanging.indices.shuffled(using: &generator) {
                free += hanging[index].count { $0 <= round }
                hanging[index].removeAll { $0 <= round }
                let taken = min(
                    Int.random(in: 1...64, using: &generator), share.room(free: free, held: hanging[index].count))
                hanging[index] += [Int](repeating: round + timeout, count: taken)
                free -= taken
            }
            // The first timeouts even out the crowd that came in at once.
            if round > 4 * timeout, share.room(free: free, held: 0) == 0 { starved += 1 }
        }
        #expect(starved == 0, "a healthy endpoint never finds the pool empty")
    }

    @Test("alpha has bounds")
    func alpha() {
        #expect(FairShare(alpha: 0).alpha == 1)
        #expect(FairShare(alpha: .max).alpha == 64)
    }
}
