import Testing

@testable import Doors

@Suite("The state of a connection")
struct ConnectionStateTests {
    private let limits = ConnectionLimits()
    private let start = ContinuousClock.now

    @Test("a request goes from head to body to answer, and then the connection is idle")
    func phases() {
        var state = ConnectionState(now: start)
        #expect(state.phase == .head)
        state.bytesArrived(1, now: start)
        state.headArrived(now: start)
        #expect(state.phase == .body && !state.isComplete)
        state.bytesArrived(1, now: start)
        state.endArrived(now: start)
        #expect(state.phase == .answering && state.isComplete)
        state.answered(now: start)
        #expect(state.phase == .idle && !state.isComplete)
        state.bytesArrived(1, now: start)
        #expect(state.phase == .head)
    }

    @Test("a next request that comes early does not complete the one before, nor does an early answer")
    func pipelined() {
        var state = ConnectionState(now: start)
        state.headArrived(now: start)
        state.endArrived(now: start)
        state.headArrived(now: start)
        #expect(state.isComplete)
        state.answered(now: start)
        #expect(!state.isComplete && state.phase == .body)
        state.answered(now: start)
        state.endArrived(now: start)
        #expect(!state.isComplete && state.phase == .idle)
    }

    @Test("each phase has its time, and bytes that trickle in gain none")
    func overdue() {
        var state = ConnectionState(now: start)
        for second in 1...10 { state.bytesArrived(1, now: start + .seconds(second)) }
        #expect(!state.isOverdue(limits, now: start + limits.headTime))
        #expect(state.isOverdue(limits, now: start + limits.headTime + .seconds(1)))
        state.headArrived(now: start)
        for second in 1...20 { state.bytesArrived(1, now: start + .seconds(second)) }
        #expect(!state.isOverdue(limits, now: start + limits.bodyTime))
        #expect(state.isOverdue(limits, now: start + limits.bodyTime + .seconds(1)))
        state.endArrived(now: start)
        #expect(!state.isOverdue(limits, now: start + .seconds(3600)))
        state.answered(now: start)
        #expect(!state.isOverdue(limits, now: start + limits.idleTime))
        #expect(state.isOverdue(limits, now: start + limits.idleTime + .seconds(1)))
    }

    @Test("who never sent a request goes first, who goes on at once goes last, and who waits for us never")
    func dispensability() {
        var state = ConnectionState(now: start)
        var ranks: [[Int?]] = []
        func note() {
            ranks.append([start, start + .seconds(2)].map { state.dispensability(now: $0) })
        }
        note()
        state.headArrived(now: start)
        note()
        state.endArrived(now: start)
        note()
        state.answered(now: start)
        note()
        state.bytesArrived(1, now: start)
        note()
        #expect(ranks == [[4, 0], [4, 3], [nil, nil], [4, 1], [4, 2]])
    }

    @Test("a head that is slow is looked at ever more rarely, from its first byte on, and a quick one at once")
    func slowHeads() {
        var state = ConnectionState(now: start)
        // Opened ahead of its first request.
        let begin = start + .seconds(5)
        #expect(state.reading(now: begin) == .firstInTurn)
        state.bytesArrived(100, now: begin)
        #expect(state.reading(now: begin) == .atOnce)
        #expect(state.reading(now: begin + .milliseconds(900)) == .atOnce)
        var (now, looks) = (begin + .seconds(1), 0)
        while case .after(let pause) = state.reading(now: now), now < begin + limits.headTime {
            now += pause
            looks += 1
        }
        #expect(looks == 4)
        state.headArrived(now: now)
        #expect(state.reading(now: now) == .atOnce)
        state.endArrived(now: now)
        state.answered(now: now)
        state.bytesArrived(1, now: now)
        #expect(state.reading(now: now) == .atOnce)
    }

    @Test("a body takes turns once it is long, and who only has to see an answer waits")
    func turns() {
        var state = ConnectionState(now: start)
        state.bytesArrived(16_000, now: start)
        state.headArrived(now: start)
        state.bytesArrived(ConnectionState.quickBytes, now: start)
        #expect(state.reading(now: start) == .atOnce)
        state.bytesArrived(1, now: start)
        #expect(state.reading(now: start) == .inTurn)
        state.endArrived(now: start)
        #expect(state.reading(now: start) == .atOnce)
        state.answered(now: start)
        state.headArrived(now: start)
        #expect(state.reading(now: start) == .atOnce)
        state.linger()
        #expect(state.reading(now: start) == .after(ConnectionState.lingerPause))
    }
}
