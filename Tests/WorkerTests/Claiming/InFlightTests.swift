import Testing

@testable import Worker

@Suite struct InFlightTests {
    @Test func countsDeliveriesAndBytesAndGivesThemBack() {
        var inFlight = InFlight(limit: 3, byteLimit: 100)
        let taken = [Samples.delivery(1, endpoint: 5, bytes: 40), Samples.delivery(2, endpoint: 6, bytes: 30)]
        inFlight.take(taken)
        #expect(inFlight.free == 1)
        #expect(inFlight.freeBytes == 30)
        inFlight.giveBack(taken)
        #expect(inFlight.count == 0)
        #expect(inFlight.bytes == 0)
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
    }

    @Test func gaugesShowWhatIsInFlightWhenTheyAreRead() {
        let rig = Rig()
        rig.parts.permits.show(in: rig.registry)
        #expect(rig.metric("postrider_in_flight") == 0)
        let held = [Samples.delivery(1), Samples.delivery(2)]
        rig.parts.permits.take(held)
        #expect(rig.metric("postrider_in_flight") == 2)
        #expect(rig.metric("postrider_in_flight_bytes") == 20)
        rig.parts.permits.giveBack(held)
        #expect(rig.metric("postrider_in_flight") == 0)
    }
}
