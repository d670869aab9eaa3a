import Outbox
import Postgres
import ServiceLifecycle
import Settings
import Testing

@testable import OutboxStore
@testable import Worker

/// The claimer against a database and couriers that do what the test says.
@Suite(.timeLimit(.minutes(1))) struct ClaimerTests {
    private let rig = Rig(maxInFlight: 10)
    private let store = FakeClaimStore()
    private let couriers = FakeCouriers()

    private func run(_ body: (ServiceGroup) async throws -> Void) async throws {
        try await rig.run(
            Claimer(rig.parts, store: store, couriers: couriers, wakeup: rig.claimWakeup), body)
    }

    private func put(_ ids: Int64..., lanes: [Int32] = [1]) {
        content.change { content in
            content.lanes = lanes
            content.claims.append(ids.map { Samples.delivery($0, endpoint: lanes[0]) })
        }
    }

    private var content: Shared<FakeClaimStore.Content> { store.content }

    // MARK: Claiming

    @Test func claimsWhatIsDueAndHandsItToTheCouriers() async throws {
        put(1, 2)
        try await run { _ in
            try await rig.time.rest()
            #expect(couriers.deliveries == [1, 2])
            #expect(rig.inFlight == 2)
            let claim = try #require(store.asked.first)
            #expect(claim.worker == Rig.worker && claim.lanes == [1] && claim.budget == 10)
            #expect(rig.parts.state.busyLanes == [1])
            #expect(rig.parts.settleQueue.count == 0)
            rig.parts.permits.giveBack([Samples.delivery(1), Samples.delivery(2)])
        }
    }

    @Test func aWorkerThatIsNotRegisteredAsksNothing() async throws {
        let rig = Rig(isRegistered: false)
        put(1)
        let claimer = Claimer(rig.parts, store: store, couriers: couriers, wakeup: rig.claimWakeup)
        try await rig.run(claimer) { _ in
            #expect(try await rig.time.rest() == Claimer.failureWait)
            for _ in 0..<10 { try await rig.time.turn() }
            #expect(content.value.bells == 0 && content.value.looks.isEmpty && store.asked.isEmpty)
            rig.parts.state.registered(as: 3)
            try await rig.time.turn()
            #expect(store.asked.map(\.worker) == [3])
            rig.parts.permits.giveBack([Samples.delivery(1)])
        }
    }

    @Test func eachClaimBeginsWithTheNextLane() async throws {
        content.change { $0.lanes = [1, 2, 3] }
        try await run { _ in
            try await rig.time.turn { store.asked.count >= 4 }
            #expect(store.asked.prefix(4).map(\.lanes) == [[1, 2, 3], [2, 3, 1], [3, 1, 2], [1, 2, 3]])
        }
    }

    @Test func claimsThatGetNothingRestLongerAndLonger() async throws {
        content.change { $0.lanes = [1] }
        try await run { _ in
            var times: [ContinuousClock.Instant] = []
            try await rig.time.turn {
                if store.asked.count > times.count { times.append(rig.time.now) }
                return times.count == 8
            }
            let rests = zip(times, times.dropFirst()).map { $1 - $0 }
            // Never sooner than the pace allows; a little later, since the claimer turns for the doorbell too.
            let least: [Duration] = [2, 4, 8, 16, 20, 20, 20].map { .milliseconds($0) }
            #expect(zip(rests, least).allSatisfy { $0 >= $1 }, "\(rests)")
            #expect(rests.allSatisfy { $0 <= .milliseconds(30) }, "\(rests)")
        }
    }

    @Test func claimsNoMoreThanThereAreFreePermits() async throws {
        let held = (100..<107).map { Samples.delivery($0, endpoint: 9) }
        rig.parts.permits.take(held)
        content.change { $0.lanes = [1] }
        try await run { _ in
            try await rig.time.turn { store.asked.count == 1 }
            #expect(store.asked.first?.budget == 3)
            let more = (200..<203).map { Samples.delivery($0, endpoint: 9) }
            rig.parts.permits.take(more)
            for _ in 0..<10 { try await rig.time.turn() }
            #expect(store.asked.count == 1)
            #expect(try await rig.time.rest() == ClaimPace.longestPause)
            try await rig.time.rest(after: { rig.parts.permits.giveBack(held + more) })
            #expect(store.asked.last?.budget == 10)
        }
    }

    // MARK: Failures

    @Test func aClaimWhoseEventsCannotBeFetchedIsGivenBack() async throws {
        put(1, 2)
        content.change { $0.fetchError = PostgresError(.connectionLost, "gone") }
        try await run { _ in
            #expect(try await rig.time.rest() == Claimer.failureWait)
            expectAllGivenBack()
            try await recovers()
        }
    }

    @Test func aClaimWhoseEndpointsCannotBeLoadedIsGivenBack() async throws {
        put(1, 2)
        content.change { $0.loadError = PostgresError(.deadlineExceeded, "late") }
        try await run { _ in
            #expect(try await rig.time.rest() == Claimer.failureWait)
            #expect(content.value.fetches == 0)
            expectAllGivenBack()
            try await recovers()
        }
    }

    private func expectAllGivenBack() {
        let settled = rig.parts.settleQueue.takeBatch()
        #expect(settled.map(\.delivery.id) == [1, 2])
        #expect(settled.allSatisfy { $0.outcome == .released })
        #expect(couriers.deliveries.isEmpty)
        // The settler gives the permits back, when it is recorded.
        #expect(rig.inFlight == 2)
        rig.parts.permits.giveBack(settled.map(\.delivery))
    }

    private func recovers() async throws {
        content.change { content in
            content.loadError = nil
            content.fetchError = nil
        }
        put(3)
        try await rig.time.turn { couriers.deliveries == [3] }
        rig.parts.permits.giveBack([Samples.delivery(3)])
    }

    @Test func aFailedClaimTakesNothingAndIsTriedAgain() async throws {
        put(1)
        content.change { $0.claimError = PostgresError(.connectionLost, "gone") }
        try await run { _ in
            #expect(try await rig.time.rest() == Claimer.failureWait)
            #expect(rig.inFlight == 0 && rig.parts.settleQueue.count == 0)
            // No one looks at the lanes now, so their hints must stay.
            #expect(rig.parts.state.busyLanes.isEmpty)
            content.change { $0.claimError = nil }
            try await rig.time.turn { couriers.deliveries == [1] }
            rig.parts.permits.giveBack([Samples.delivery(1)])
        }
    }

    @Test func aDoorbellThatCannotBeReadKeepsItFromClaiming() async throws {
        put(1)
        content.change { $0.bellError = PostgresError(.connectFailed, "no") }
        try await run { _ in
            for _ in 0..<5 {
                #expect(try await rig.time.rest() == Claimer.failureWait)
                try await rig.time.turn()
            }
            #expect(store.asked.isEmpty)
        }
    }

    @Test func whatCannotBeSentIsSettledAtOnce() async throws {
        content.change { content in
            content.lanes = [1]
            // Cancelled while an attempt was in flight.
            content.claims = [[Samples.delivery(1, base: -1), Samples.delivery(2)]]
        }
        try await run { _ in
            try await rig.time.rest()
            #expect(rig.parts.settleQueue.takeBatch().map(\.delivery.id) == [1])
            #expect(couriers.deliveries == [2])
            rig.parts.permits.giveBack([Samples.delivery(1), Samples.delivery(2)])
        }
    }

    // MARK: No disk left

    @Test func withNoDiskLeftOneDeliveryProbesWhenNothingElseIsInFlight() async throws {
        content.change { $0.lanes = [1] }
        rig.parts.state.found(storageFull: true)
        let held = [Samples.delivery(100)]
        rig.parts.permits.take(held)
        try await run { _ in
            for _ in 0..<20 { try await rig.time.turn() }
            #expect(store.asked.isEmpty)

            // There before the loop wakes: a claim that finds nothing would be repeated.
            put(1)
            let began = rig.time.now
            rig.parts.permits.giveBack(held)
            try await rig.time.turn { couriers.deliveries == [1] }
            #expect(store.asked.map(\.budget) == [1])
            for _ in 0..<20 { try await rig.time.turn() }
            #expect(store.asked.count == 1)
            #expect(rig.time.now - began >= .seconds(1))

            // It could be recorded.
            put(2, 3)
            rig.parts.state.found(storageFull: false)
            rig.parts.permits.giveBack([Samples.delivery(1)])
            try await rig.time.turn { couriers.deliveries == [1, 2, 3] }
            #expect(store.asked.last?.budget == 10)
            rig.parts.permits.giveBack([Samples.delivery(2), Samples.delivery(3)])
        }
    }

    @Test func whatHealthShowsSteersNothing() async throws {
        put(1, 2)
        for reason in HealthReason.allCases { rig.parts.health.set(reason, true) }
        try await run { _ in
            try await rig.time.rest()
            #expect(store.asked.map(\.budget) == [10])
            #expect(couriers.deliveries == [1, 2])
            rig.parts.permits.giveBack([Samples.delivery(1), Samples.delivery(2)])
        }
    }

    // MARK: Stopping

    /// Two deliveries are in flight, and the worker is told to stop.
    private func drain(_ body: (ServiceGroup) async throws -> Void) async throws {
        put(1, 2)
        try await run { group in
            try await rig.time.rest()
            let rest = try await rig.time.rest(after: { await group.triggerGracefulShutdown() })
            #expect(rest == Claimer.drainPause)
            #expect(rig.parts.state.isDraining)
            #expect(rig.reasons.contains(.draining))
            try await body(group)
        }
        #expect(store.asked.count == 1)
    }

    @Test func aDrainEndsWithTheLastDelivery() async throws {
        try await drain { _ in
            for _ in 0..<100 { try await rig.time.turn() }
            #expect(couriers.cancels == 0)
            rig.parts.permits.giveBack([Samples.delivery(1), Samples.delivery(2)])
        }
        #expect(couriers.cancels == 0)
    }

    @Test func aDrainThatRunsOutStopsWhatIsInFlightAndWaitsForItsOutcomes() async throws {
        let timeout = rig.parts.configuration.drainTimeout
        try await drain { _ in
            let began = rig.time.now
            try await rig.time.turn { couriers.cancels > 0 }
            #expect(rig.time.now - began >= timeout)
            #expect(rig.time.now - began < timeout + Claimer.drainPause * 2)
            // Not recorded: it waits for that, but not without end.
            let cut = rig.time.now
            rig.time.flow()
            try await ended()
            #expect(rig.time.now - cut >= Claimer.farewell)
            #expect(rig.time.now - cut < Claimer.farewell + Claimer.drainPause * 2)
        }
        #expect(couriers.cancels == 1)
        #expect(rig.inFlight == 2)
    }

    @Test func outcomesThatAreRecordedEndTheFarewell() async throws {
        let permits = rig.parts.permits
        couriers.content.change { content in
            content.onCancel = { permits.giveBack([Samples.delivery(1), Samples.delivery(2)]) }
        }
        try await drain { _ in
            let began = rig.time.now
            rig.time.flow()
            try await ended()
            #expect(rig.time.now - began < rig.parts.configuration.drainTimeout + Claimer.drainPause * 2)
        }
        #expect(couriers.cancels == 1)
        #expect(rig.inFlight == 0)
    }

    @Test func aDrainThatIsCutStopsWhatIsInFlightAtOnce() async throws {
        try await drain { _ in
            for _ in 0..<10 { try await rig.time.turn() }
            let began = rig.time.now
            try await rig.time.rest(after: {
                rig.parts.state.cutDrain()
                rig.claimWakeup.call()
            })
            #expect(couriers.cancels == 1)
            #expect(rig.time.now == began)
            rig.parts.permits.giveBack([Samples.delivery(1), Samples.delivery(2)])
        }
        #expect(couriers.cancels == 1)
    }

    @Test func withNothingInFlightADrainEndsAtOnce() async throws {
        let began = rig.time.now
        try await run { group in
            try await rig.time.rest()
            await group.triggerGracefulShutdown()
            try await ended()
            #expect(rig.time.now == began)
        }
        #expect(couriers.cancels == 0)
    }

    @Test func aDatabaseThatFailsDoesNotKeepItFromStopping() async throws {
        content.change { $0.bellError = PostgresError(.connectFailed, "no") }
        try await run { group in
            try await rig.time.rest()
            await group.triggerGracefulShutdown()
            try await ended()
        }
    }

    private func ended() async throws { try await rig.ended.wait() }
}
