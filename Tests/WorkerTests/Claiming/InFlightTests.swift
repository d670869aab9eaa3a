import Testing

@testable import Worker

@Suite struct InFlightTests {
    @Test func countsDeliveriesAndBytesAndGivesThemBack() {
        var inFlight = InFlight(limit: 3, byteLimit: 100)
        let taken = [Samples.delivery(1, endpoint: 5, bytes: 40), Samples.delivery(2, endpoint: 6, bytes: 30)]
        inFlight.take(taken)
        #expect(inFlight.free == 1)
        #expect(inFlight.freeBytes == 30)
        #expect(inFlight.lanes == [5: 1, 6: 1])
        inFlight.giveBack(taken)
        #expect(inFlight.count == 0)
        #expect(inFlight.bytes == 0)
        #expect(inFlight.lanes.isEmpty)
    }

    @Test func oneOversizedDeliveryIsLetInAndKeepsTheRestOut() {
        var inFlight = InFlight(limit: 3, byteLimit: 100)
        #expect(inFlight.hasRoom)
        inFlight.take([Samples.delivery(1, bytes: 500)])
        #expect(inFlight.freeBytes == 0)
        #expect(!inFlight.hasRoom)
    }

    @Test func noRoomWithoutPermits() {
        var inFlight = InFlight(limit: 1, byteLimit: 100)
        inFlight.take([Samples.delivery(1, bytes: 1)])
        #expect(!inFlight.hasRoom)
        #expect(inFlight.rooms(of: [9]) == [0])
    }

    @Test func aLaneThatHoldsMuchGetsLess() {
        var inFlight = InFlight(limit: 300, byteLimit: 1000)
        let alone = inFlight.rooms(of: [1])
        inFlight.take((0..<100).map { Samples.delivery($0, endpoint: 1, bytes: 1) })
        #expect(alone == [200])
        let rooms = inFlight.rooms(of: [1, 2])
        #expect(rooms[0] < rooms[1])
    }

    @Test func endpointsThatAskAtOnceLeaveSomething() {
        let inFlight = InFlight(limit: 512, byteLimit: 1000)
        let rooms = inFlight.rooms(of: Array(0..<90))
        #expect(rooms.allSatisfy { $0 > 0 })
        #expect(rooms.reduce(0, +) < 512)
    }
}
