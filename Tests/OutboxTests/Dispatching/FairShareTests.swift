import Outbox
import Testing

@Suite("Fair share")
struct FairShareTests {
    private let share = FairShare.standard

    @Test("a lone endpoint gets two thirds")
    func lone() {
        #expect(share.room(free: 512, held: 0) == 341)
        #expect(share.room(free: 171, held: 341) == 0)
    }

    @Test("whoever holds none gets one while one is free")
    func newcomer() {
        #expect(share.room(free: 1, held: 0) == 1)
        #expect(share.room(free: 0, held: 0) == 0)
        #expect(share.room(free: -5, held: 0) == 0)
    }

    @Test("whatever is asked: the rule holds after taking, the last permit is only for newcomers")
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

    @Test("endpoints that hang never take the last permits", arguments: [1, 10, 90, 150])
    func hanging(endpoints: Int) {
        var generator = SeededGenerator(seed: 10)
        let total = 512
        var held = [Int](repeating: 0, count: endpoints)
        // Far more often than it takes to fill the pool, and whole batches at once.
        for _ in 0..<50_000 {
            let index = Int.random(in: 0..<endpoints, using: &generator)
            let wanted = Int.random(in: 1...64, using: &generator)
            held[index] += min(wanted, share.room(free: total - held.reduce(0, +), held: held[index]))
        }
        let free = total - held.reduce(0, +)
        #expect(free >= 1)
        #expect(share.room(free: free, held: 0) >= 1, "a healthy endpoint still moves")
        let (most, least) = (held.max() ?? 0, held.min() ?? 0)
        #expect(least > 0)
        #expect(most <= 2 * total / 3)
    }

    @Test("a healthy endpoint finishes its work beside 90 that hang")
    func healthy() {
        let total = 512
        var hanging = [Int](repeating: 0, count: 90)
        var mine = 0
        var finished = 0
        for round in 0..<2_000 {
            for index in hanging.indices {
                hanging[index] += share.room(free: total - mine - hanging.reduce(0, +), held: hanging[index])
            }
            mine += share.room(free: total - mine - hanging.reduce(0, +), held: mine)
            #expect(mine > 0, "round \(round)")
            finished += mine
            mine = 0
        }
        #expect(finished >= 2_000)
    }

    @Test("alpha has bounds")
    func alpha() {
        #expect(FairShare(alpha: 0).alpha == 1)
        #expect(FairShare(alpha: .max).alpha == 64)
    }
}
