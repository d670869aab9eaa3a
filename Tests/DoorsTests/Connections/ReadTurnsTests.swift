import NIOEmbedded
import Testing

@testable import Doors

@Suite("Turns of those who may wait")
struct ReadTurnsTests {
    private let eachTick = 4

    @Test("one alone is read at once, and no more than a tick's worth however often it comes")
    func alone() {
        let loop = EmbeddedEventLoop()
        let turns = ReadTurns(eachTick, on: loop)
        var reads = 0
        func again() {
            reads += 1
            turns.wait(again)
        }
        turns.wait(again)
        #expect(reads == eachTick)
        for tick in 2...10 {
            loop.advanceTime(by: ReadTurns.tick)
            #expect(reads == eachTick * tick)
        }
    }

    @Test("many take turns: none is read twice before each was read once, and the pace is that of one")
    func many() {
        let loop = EmbeddedEventLoop()
        let turns = ReadTurns(eachTick, on: loop)
        var reads = [Int](repeating: 0, count: 100)
        func again(_ place: Int) {
            reads[place] += 1
            turns.wait { again(place) }
        }
        // The first tick has gone to others.
        for _ in 0..<eachTick { turns.wait {} }
        for place in 0..<100 { turns.wait { again(place) } }
        for _ in 0..<250 {
            loop.advanceTime(by: ReadTurns.tick)
            #expect((reads.max() ?? 0) - (reads.min() ?? 0) <= 1)
        }
        #expect(reads.reduce(0, +) == 250 * eachTick)
    }

    @Test("behind a crowd the newest is next, where that is asked for")
    func newest() {
        for isNewestFirst in [true, false] {
            let loop = EmbeddedEventLoop()
            let turns = ReadTurns(1, newestFirst: isNewestFirst, on: loop)
            var reads: [Int] = []
            for place in 0..<5 { turns.wait { reads.append(place) } }
            for _ in 0..<5 { loop.advanceTime(by: ReadTurns.tick) }
            #expect(reads == (isNewestFirst ? [0, 4, 3, 2, 1] : [0, 1, 2, 3, 4]))
        }
    }

    @Test("so many wait and no more: the oldest goes before its turn", arguments: [false, true])
    func bounded(newestFirst: Bool) {
        let loop = EmbeddedEventLoop()
        let turns = ReadTurns(1, newestFirst: newestFirst, on: loop)
        var reads: [Int] = []
        // The first is read at once.
        for place in 0...ReadTurns.most { turns.wait { reads.append(place) } }
        #expect(reads == [0])
        for place in 1...3 { turns.wait { reads.append(ReadTurns.most + place) } }
        #expect(reads == [0, 1, 2, 3])
    }

    @Test("after a pause the first is read at once again")
    func pause() {
        let loop = EmbeddedEventLoop()
        let turns = ReadTurns(eachTick, on: loop)
        for _ in 0..<3 {
            var isRead = false
            turns.wait { isRead = true }
            #expect(isRead)
            for _ in 0..<3 { loop.advanceTime(by: ReadTurns.tick) }
        }
    }
}
