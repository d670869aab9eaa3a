import NIOCore
import NIOEmbedded
import Testing

@testable import Doors

@Suite("All connections of a door")
struct ConnectionsTests {
    private let start = ContinuousClock.now

    private func connection() -> Connection { Connection(EmbeddedChannel(), now: start) }

    @Test("looks go round: each is looked at once a round, whichever come and go")
    func ring() {
        var ring = ConnectionRing()
        let all = (0..<10).map { _ in connection() }
        for one in all { ring.insert(one) }
        var seen: [ObjectIdentifier] = []
        for _ in 0..<4 { seen += ring.next(3, for: .sweep).map(\.id) }
        #expect(Set(seen).count == 10 && seen.count == 12 && seen[10...] == seen[..<2])
        #expect(ring.next(100, for: .room).count == 10)
        ring.remove(all[0])
        ring.remove(all[0])
        ring.remove(all[9])
        #expect(ring.count == 8)
        #expect(Set(ring.next(100, for: .sweep).map(\.id)) == Set(all[1..<9].map(\.id)))
        for one in all { ring.remove(one) }
        #expect(ring.next(3, for: .room).isEmpty)
    }

    @Test("of several thousand connections all whose time is over are ended in a round, few in each look")
    func sweeps() {
        let connections = Connections(limits: ConnectionLimits())
        for _ in 0..<1_000 { connections.add(connection(), now: start) }
        let late = start + connections.limits.headTime + .seconds(1)
        connections.sweep(now: late)
        #expect(connections.ended == Connections.mostSwept)
        for _ in 1..<connections.sweeps { connections.sweep(now: late) }
        #expect(connections.ended >= 1_000)
    }

    @Test("one too many ends one that says nothing, and none that waits for us")
    func room() {
        var limits = ConnectionLimits()
        limits.connections = 300
        let connections = Connections(limits: limits)
        let channels = (0..<300).map { _ in EmbeddedChannel() }
        var ended: [Int] = []
        for (place, channel) in channels.enumerated() {
            channel.closeFuture.assumeIsolated().whenComplete { _ in ended.append(place) }
        }
        let all = channels.map { Connection($0, now: start) }
        for one in all { connections.add(one, now: start) }
        for one in all[..<200] {
            one.change { $0.headArrived(now: start) }
            one.change { $0.endArrived(now: start) }
        }
        for _ in 0..<50 { connections.add(connection(), now: start + .seconds(2)) }
        #expect(connections.count == 300 && connections.ended == 50)
        // Behind 200 that wait for an answer, a look may find no other; then it is the new one.
        #expect(ended.allSatisfy { $0 >= 200 })
    }

    @Test("bodies that hold too much make room for a while, the oldest first")
    func bodies() {
        var limits = ConnectionLimits()
        limits.heldBytes = 800
        let connections = Connections(limits: limits)
        let all = (0..<10).map { number in
            let one = connection()
            connections.add(one, now: start)
            one.change { $0.headArrived(now: start + .seconds(number)) }
            return one
        }
        for one in all[..<8] { #expect(connections.hold(100, of: one)) }
        #expect(connections.heldBytes == 800)
        #expect(connections.hold(100, of: all[8]))
        #expect(connections.heldBytes == 700 && all[0].state.heldBytes == 0 && all[1].state.heldBytes == 0)
        #expect(!connections.hold(2_000, of: all[2]))
    }
}
