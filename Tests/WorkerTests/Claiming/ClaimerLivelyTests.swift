import Testing

@testable import OutboxStore
@testable import Worker

/// What the claimer does for endpoints that are answered quickly and often.
@Suite(.timeLimit(.minutes(1))) struct ClaimerLivelyTests {
    private let rig = Rig(maxInFlight: 100)
    private let couriers = FakeCouriers()

    private func answer(_ lane: Int32, _ answer: Schedule.Answer = .delivered) {
        rig.parts.permits.answered([
            LaneNews.Answered(
                endpoint: lane, answer: answer, took: answer == .delivered ? .milliseconds(1) : .seconds(15))
        ])
    }

    /// The first delivery of a lively lane passes others, the second does not, and neither does that of a lane that is new.
    @Test func aLivelyLanePassesOthersInTheCouriers() async throws {
        let store = FakeClaimStore(time: rig.time)
        let claimer = Claimer(
            rig.parts, store: store, couriers: couriers, shaper: FakeShapingDesk(), wakeup: rig.claimWakeup)
        try await rig.run(claimer) { _ in
            try await rig.time.rest()
            store.commit([Samples.delivery(1)])
            try await rig.time.turn { couriers.deliveries == [1] }
            #expect(couriers.passing == [])
            answer(1)
            rig.parts.permits.giveBack([Samples.delivery(1)])
            try await rig.time.turn()
            store.commit([2, 3].map { Samples.delivery($0) } + [Samples.delivery(4, endpoint: 2)])
            try await rig.time.turn { couriers.deliveries.count == 4 }
            #expect(couriers.passing == [2])
            rig.parts.permits.giveBack([2, 3].map { Samples.delivery($0) } + [Samples.delivery(4, endpoint: 2)])
        }
    }

    @Test func operatorsSeeHowManyLanesAreSuspects() async throws {
        let store = FakeClaimStore(time: rig.time)
        let claimer = Claimer(
            rig.parts, store: store, couriers: couriers, shaper: FakeShapingDesk(), wakeup: rig.claimWakeup)
        try await rig.run(claimer) { _ in
            try await rig.time.rest()
            #expect(rig.metric("postrider_suspect_lanes") == 0)
            store.commit([Samples.delivery(1), Samples.delivery(2, endpoint: 2)])
            try await rig.time.turn { couriers.deliveries == [1, 2] }
            answer(1)
            answer(2, .failed)
            rig.parts.permits.giveBack([Samples.delivery(1), Samples.delivery(2, endpoint: 2)])
            try await rig.time.turn { rig.metric("postrider_suspect_lanes") == 1 }
        }
    }
}
