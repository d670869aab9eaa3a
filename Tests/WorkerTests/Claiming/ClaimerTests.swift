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
    private let store: FakeClaimStore
    private let couriers = FakeCouriers()
    private let shaper = FakeShapingDesk()

    init() {
        store = FakeClaimStore(time: rig.time)
    }

    private func run(_ body: (ServiceGroup) async throws -> Void) async throws {
        try await rig.run(
            Claimer(rig.parts, store: store, couriers: couriers, shaper: shaper, wakeup: rig.claimWakeup), body)
    }

    private func put(_ ids: Int64..., lane: Int32 = 1) {
        store.commit(ids.map { Samples.delivery($0, endpoint: lane) })
    }

    /// Rows that were there before the worker began, in the walk.
    private func putBefore(_ ids: Int64..., lane: Int32 = 1) {
        let clock = store.clock
        content.change { content in
            content.due += ids.map { Samples.delivery($0, endpoint: lane) }
            content.lanes.append(WalkedLane(endpoint: lane, from: clock, nextAt: clock))
        }
    }

    /// Lets the lane show by answers that it may hold many.
    private func prove(_ lane: Int32 = 1, answers: Int = 20) {
        rig.parts.permits.answered(
            (0..<answers).map { _ in LaneNews.Answered(endpoint: lane, answer: .delivered, took: .milliseconds(1)) })
    }

    private var content: Shared<FakeClaimStore.Content> { store.content }

    // MARK: Claiming

    @Test func claimsWhatIsDueAndHandsItToTheCouriers() async throws {
        try await run { _ in
            try await rig.time.rest()
            #expect(content.value.preparations == 1)
            put(1)
            put(2, lane: 2)
            try await rig.time.turn { couriers.deliveries.count == 2 }
            #expect(couriers.deliveries == [1, 2])
            #expect(rig.inFlight == 2)
            let claim = try #require(store.asked.first)
            #expect(claim.worker == Rig.worker && claim.lanes == [1, 2] && claim.rooms == [1, 1])
            #expect(rig.parts.settleQueue.unrecorded == 0)
            rig.parts.permits.giveBack([Samples.delivery(1), Samples.delivery(2, endpoint: 2)])
        }
    }

    @Test func whatWasThereBeforeItsStartIsFoundByAWalk() async throws {
        putBefore(1)
        try await run { _ in
            try await rig.time.turn { couriers.deliveries == [1] }
            // The first look finds nothing, and says where the second starts.
            #expect(content.value.looks.prefix(2) == [nil, "0"])
            #expect(content.value.walks.first == .some(nil))
            rig.parts.permits.giveBack([Samples.delivery(1)])
        }
    }

    @Test func theWorkerIsReadyAfterItsFirstGoodLook() async throws {
        rig.parts.health.set(.starting, false)
        rig.parts.health.set(.notLooked, true)
        content.change { $0.lookError = .refused("XX000") }
        try await run { _ in
            for _ in 0..<2 { try await rig.time.rest() }
            #expect(rig.reasons == [.notLooked] && rig.metric("postrider_delivery_lag_seconds") == nil)
            content.change { $0.lookError = nil }
            try await rig.time.turn { rig.reasons == [] }
            #expect(rig.parts.health.lag == 0)
        }
    }

    @Test func aLaneThatHasNotAnsweredAsksForFew() async throws {
        try await run { _ in
            try await rig.time.rest()
            put(1, 2, 3, 4)
            // One, and one of the part that is for lanes that may hang.
            try await rig.time.turn { couriers.deliveries == [1, 2] }
            for _ in 0..<20 { try await rig.time.turn() }
            #expect(couriers.deliveries == [1, 2])
            prove()
            rig.parts.permits.giveBack([1, 2].map { Samples.delivery($0) })
            try await rig.time.turn { couriers.deliveries == [1, 2, 3, 4] }
            rig.parts.permits.giveBack([3, 4].map { Samples.delivery($0) })
        }
    }

    @Test func aLaneThatIsEmptyIsNotClaimedAgain() async throws {
        try await run { _ in
            try await rig.time.rest()
            put(1)
            try await rig.time.turn { couriers.deliveries == [1] }
            for _ in 0..<200 { try await rig.time.turn() }
            #expect(store.asked.count == 1)
            rig.parts.permits.giveBack([Samples.delivery(1)])
        }
    }

    @Test func afterAReconnectItWalksAgain() async throws {
        try await run { _ in
            try await rig.time.turn { content.value.looks.count >= 3 }
            #expect(content.value.walks.count == 1)
            putBefore(1)
            rig.parts.state.reconnected()
            try await rig.time.turn { couriers.deliveries == [1] }
            // Every lease counts, also one that this worker took by a claim whose answer was lost.
            #expect(content.value.walks == [nil, nil])
            #expect(content.value.looks.count { $0 == nil } == 2)
            rig.parts.permits.giveBack([Samples.delivery(1)])
        }
    }

    @Test func onAnotherServerItWalksAgain() async throws {
        try await run { _ in
            try await rig.time.rest()
            putBefore(1)
            content.change { $0.lookOnOtherServer = $0.looks.count + 1 }
            try await rig.time.turn { couriers.deliveries == [1] }
            #expect(content.value.walks == [nil, nil])
            rig.parts.permits.giveBack([Samples.delivery(1)])
        }
    }

    @Test func aFirstWalkThatMeetsAnotherServerBeginsAgain() async throws {
        content.change { content in
            content.reaches = [1000, 2000, 3000]
            // The first look, the one after the first stride, and the one after the second.
            content.lookOnOtherServer = 3
        }
        try await run { _ in
            try await rig.time.turn { content.value.strides.count >= 4 }
            // Lanes that were read on the other server are read again.
            #expect(content.value.strides.prefix(4) == [nil, 1000, nil, 3000])
        }
    }

    @Test func aLookThatWasCutIsFollowedByAWalk() async throws {
        try await run { _ in
            try await rig.time.rest()
            content.change { content in
                content.written.append([FoundLane(endpoint: 1, dueAt: .infinity, count: Int(LookAtLanes.longest))])
            }
            putBefore(1)
            try await rig.time.turn { couriers.deliveries == [1] }
            #expect(content.value.walks.count == 2)
            rig.parts.permits.giveBack([Samples.delivery(1)])
        }
    }

    @Test func whatTheSlowWalkFindsIsCountedAndDelivered() async throws {
        try await run { _ in
            try await rig.time.rest()
            putBefore(1)
            try await rig.time.turn { couriers.deliveries == [1] }
            // The leases of others only: its own it knows.
            #expect(content.value.walks == [nil, Rig.worker])
            #expect(rig.metric("postrider_missed_lanes_total") == 1)
            rig.parts.permits.giveBack([Samples.delivery(1)])
        }
    }

    @Test func theOldestThatWaitsIsKnown() async throws {
        try await run { _ in
            try await rig.time.rest()
            #expect(rig.parts.health.lag == 0)
            put(1, 2, 3)
            let clock = store.clock
            try await rig.time.turn { couriers.deliveries == [1, 2] }
            for _ in 0..<10 { try await rig.time.turn() }
            let waits = clock.duration(to: store.clock) / .seconds(1)
            let lag = try #require(rig.parts.health.lag)
            #expect(lag > 0 && lag <= waits, "\(lag) of \(waits)")
            rig.parts.permits.giveBack([1, 2].map { Samples.delivery($0) })
        }
    }

    @Test func aWorkerThatIsNotRegisteredAsksNothing() async throws {
        let rig = Rig(isRegistered: false)
        putBefore(1)
        let claimer = Claimer(rig.parts, store: store, couriers: couriers, shaper: shaper, wakeup: rig.claimWakeup)
        try await rig.run(claimer) { _ in
            #expect(try await rig.time.rest() == Claimer.registrationWait)
            for _ in 0..<10 { try await rig.time.turn() }
            #expect(content.value.looks.isEmpty && store.asked.isEmpty)
            rig.parts.state.registered(as: 3)
            try await rig.time.turn { store.asked.count == 1 }
            #expect(store.asked.map(\.worker) == [3])
            rig.parts.permits.giveBack([Samples.delivery(1)])
        }
    }

    @Test func underAnotherIdItForgetsWhatItKnewAndWalksFromTheBeginning() async throws {
        try await run { _ in
            try await rig.time.turn { content.value.looks.count > 5 }
            #expect(content.value.looks.filter { $0 == nil }.count == 1)
            rig.parts.state.lostRegistration()
            let looks = content.value.looks.count
            for _ in 0..<5 { try await rig.time.turn() }
            #expect(content.value.looks.count <= looks + 1)
            rig.parts.state.registered(as: 3)
            try await rig.time.turn { content.value.looks.filter { $0 == nil }.count == 2 }
        }
    }

    @Test func onAServerThatItHasLeftItClaimsNothing() async throws {
        putBefore(1)
        rig.parts.state.found(leftServer: true)
        try await run { _ in
            for _ in 0..<10 { try await rig.time.turn() }
            #expect(store.asked.isEmpty)
            rig.parts.state.found(leftServer: false)
            try await rig.time.turn { store.asked.count == 1 }
            rig.parts.permits.giveBack([Samples.delivery(1)])
        }
    }

    @Test func aLaneThatAnotherWorkerHoldsIsAskedForLessAndLess() async throws {
        content.change { $0.states = [1: .busy] }
        try await run { _ in
            try await rig.time.rest()
            let clock = store.clock
            content.change { $0.written.append([FoundLane(endpoint: 1, dueAt: clock)]) }
            var times: [ContinuousClock.Instant] = []
            try await rig.time.turn {
                if store.asked.count > times.count { times.append(rig.time.now) }
                return times.count == 8
            }
            let rests = zip(times, times.dropFirst()).map { $1 - $0 }
            // Never sooner than the schedule allows; a little later, since the claimer turns for looks too.
            let least: [Duration] = [2, 4, 8, 16, 20, 20, 20].map { .milliseconds($0) }
            #expect(zip(rests, least).allSatisfy { $0 >= $1 }, "\(rests)")
            #expect(rests.allSatisfy { $0 <= .milliseconds(30) }, "\(rests)")
        }
    }

    @Test func claimsNoMoreThanThereAreFreePermits() async throws {
        let held = (100..<107).map { Samples.delivery($0, endpoint: 9) }
        rig.parts.permits.take(held)
        try await run { _ in
            try await rig.time.rest()
            put(1)
            put(2, lane: 2)
            put(3, lane: 3)
            put(4, lane: 4)
            put(5, lane: 5)
            try await rig.time.turn { store.asked.count == 1 }
            // One is kept for lanes that have answered.
            #expect(store.asked.first?.budget == 2)
            let more = (200..<201).map { Samples.delivery($0, endpoint: 9) }
            rig.parts.permits.take(more)
            for _ in 0..<10 { try await rig.time.turn() }
            #expect(store.asked.count == 1)
            try await rig.time.rest(after: { rig.parts.permits.giveBack(held + more) })
            try await rig.time.turn { couriers.deliveries.count == 5 }
            #expect(rig.inFlight == 5)
            rig.parts.permits.giveBack((1...5).map { Samples.delivery($0, endpoint: Int32($0)) })
        }
    }

    // MARK: Failures

    @Test func aClaimWhoseEventsCannotBeFetchedIsGivenBack() async throws {
        putBefore(1)
        putBefore(2, lane: 2)
        content.change { $0.fetchError = PostgresError(.connectionLost, "gone") }
        try await run { _ in
            #expect(try await rig.time.rest() == FailurePace.firstWait)
            expectAllGivenBack()
            try await recovers()
        }
    }

    @Test func aClaimWhoseEndpointsCannotBeLoadedIsGivenBack() async throws {
        putBefore(1)
        putBefore(2, lane: 2)
        content.change { $0.loadError = PostgresError(.deadlineExceeded, "late") }
        try await run { _ in
            #expect(try await rig.time.rest() == FailurePace.firstWait)
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
        putBefore(1)
        content.change { $0.claimError = PostgresError(.connectionLost, "gone") }
        try await run { _ in
            #expect(try await rig.time.rest() == FailurePace.firstWait)
            #expect(rig.inFlight == 0 && rig.parts.settleQueue.unrecorded == 0)
            content.change { $0.claimError = nil }
            try await rig.time.turn { couriers.deliveries == [1] }
            rig.parts.permits.giveBack([Samples.delivery(1)])
        }
    }

    /// Lets time pass until the silence is long enough for looks to wait.
    private func passSilence() async throws {
        let end = rig.time.now + .seconds(5)
        try await rig.time.turn { rig.time.now >= end }
    }

    @Test func aLookWaitsInTheDatabaseOnlyWhileNothingIsInFlight() async throws {
        try await run { _ in
            try await passSilence()
            #expect(content.value.waits.last.map { $0 > .zero } == true)
            put(1)
            try await rig.time.turn { couriers.deliveries == [1] }
            try await passSilence()
            #expect(content.value.waits.last == .zero)
            rig.parts.permits.giveBack([Samples.delivery(1)])
            try await passSilence()
            #expect(content.value.waits.last.map { $0 > .zero } == true)
        }
    }

    @Test func afterAFailureNoLookWaitsForSomeSeconds() async throws {
        try await run { _ in
            try await passSilence()
            content.change { $0.lookError = PostgresError(.deadlineExceeded, "the clock was set back") }
            try await rig.time.turn()
            content.change { $0.lookError = nil }
            let looks = content.value.looks.count
            try await rig.time.turn { content.value.looks.count > looks + 3 }
            #expect(content.value.waits.suffix(3).allSatisfy { $0 == .zero })
        }
    }

    @Test func aLookThatFailsKeepsItFromClaiming() async throws {
        putBefore(1)
        content.change { $0.lookError = PostgresError(.connectFailed, "no") }
        try await run { _ in
            for _ in 0..<5 {
                #expect(try await rig.time.rest() == FailurePace.firstWait)
                try await rig.time.turn()
            }
            #expect(store.asked.isEmpty)
        }
    }

    @Test func whatCannotBeSentIsSettledAtOnce() async throws {
        try await run { _ in
            try await rig.time.rest()
            // The first was cancelled while an attempt was in flight.
            store.commit([Samples.delivery(1, base: -1), Samples.delivery(2, endpoint: 2)])
            try await rig.time.turn { couriers.deliveries == [2] }
            #expect(rig.parts.settleQueue.takeBatch().map(\.delivery.id) == [1])
            rig.parts.permits.giveBack([Samples.delivery(1), Samples.delivery(2, endpoint: 2)])
        }
    }

    // MARK: No disk left

    @Test func withNoDiskLeftOneDeliveryProbesWhenNothingElseIsInFlight() async throws {
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
            put(8, lane: 8)
            for _ in 0..<20 { try await rig.time.turn() }
            #expect(store.asked.count == 1)
            #expect(rig.time.now - began >= .seconds(1))

            // It could be recorded.
            prove()
            put(2, 3)
            rig.parts.state.found(storageFull: false)
            rig.parts.permits.giveBack([Samples.delivery(1)])
            try await rig.time.turn { Set(couriers.deliveries) == [1, 2, 3, 8] }
            rig.parts.permits.giveBack([2, 3].map { Samples.delivery($0) } + [Samples.delivery(8, endpoint: 8)])
        }
    }

    @Test func whatHealthShowsSteersNothing() async throws {
        putBefore(1)
        putBefore(2, lane: 2)
        for reason in HealthReason.allCases { rig.parts.health.set(reason, true) }
        try await run { _ in
            try await rig.time.turn { couriers.deliveries == [1, 2] }
            rig.parts.permits.giveBack([Samples.delivery(1), Samples.delivery(2, endpoint: 2)])
        }
    }

    // MARK: Stopping

    /// Two deliveries are in flight, and the worker is told to stop.
    private func drain(_ body: (ServiceGroup) async throws -> Void) async throws {
        putBefore(1)
        putBefore(2, lane: 2)
        try await run { group in
            try await rig.time.turn { couriers.deliveries == [1, 2] }
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
            rig.parts.permits.giveBack([Samples.delivery(1), Samples.delivery(2, endpoint: 2)])
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
            content.onCancel = { permits.giveBack([Samples.delivery(1), Samples.delivery(2, endpoint: 2)]) }
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
            rig.parts.permits.giveBack([Samples.delivery(1), Samples.delivery(2, endpoint: 2)])
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
        content.change { $0.lookError = PostgresError(.connectFailed, "no") }
        try await run { group in
            try await rig.time.rest()
            await group.triggerGracefulShutdown()
            try await ended()
        }
    }

    private func ended() async throws { try await rig.ended.wait() }
}
