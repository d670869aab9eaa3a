import Outbox
import Postgres
import ServiceLifecycle
import Settings
import Testing

@testable import OutboxStore
@testable import Worker

/// The settler against a database that does what the test says.
@Suite(.timeLimit(.minutes(1))) struct SettlerTests {
    private let rig = Rig(maxInFlight: 2000)

    /// Outcomes of deliveries that hold a permit each.
    private func outcomes(_ ids: some Sequence<Int64>, endpoint: Int32 = 1) -> [Settlement] {
        let deliveries = ids.map { Samples.delivery($0, endpoint: endpoint) }
        rig.parts.permits.take(deliveries)
        return deliveries.map { delivery in
            var settlement = Settlement(delivery, .retry(after: .zero))
            settlement.error = "the endpoint said something"
            settlement.responseBody = "something"
            settlement.remoteAddress = "192.0.2.1"
            settlement.errorCode = .httpStatus
            return settlement
        }
    }

    private func settler(_ store: FakeSettleStore) -> Settler { Settler(rig.parts, store: store, arrived: rig.arrived) }

    @Test func recordsInOneBatchAndGivesThePermitsBack() async throws {
        let store = FakeSettleStore()
        rig.parts.settleQueue.add(outcomes(1...3))
        try await rig.run(settler(store)) { _ in
            try await rig.time.rest()
            #expect(store.settles.value.map(\.ids) == [[1, 2, 3]])
            #expect(rig.inFlight == 0)
        }
    }

    @Test func everyErrorCodeReachesItsCounter() async throws {
        let store = FakeSettleStore()
        var all = outcomes(1...Int64(ErrorCode.allCases.count))
        for (place, code) in ErrorCode.allCases.enumerated() {
            all[place].errorCode = code
            all[place].outcome = place.isMultiple(of: 2) ? .dead(.attemptsExhausted) : .retry(after: .seconds(5))
        }
        rig.parts.settleQueue.add(all)
        try await rig.run(settler(store)) { _ in
            try await rig.time.rest()
            for code in ErrorCode.allCases {
                let metric = "postrider_attempt_failures_total{error_code=\"\(code.rawValue)\"}"
                #expect(rig.metric(metric) == 1, "\(code)")
            }
        }
    }

    @Test func outcomesThatArriveWakeIt() async throws {
        let store = FakeSettleStore()
        try await rig.run(settler(store)) { _ in
            #expect(try await rig.time.rest() == Settler.idleWait)
            try await rig.time.rest(after: { rig.parts.settleQueue.add(outcomes([1])) })
            #expect(store.settles.value.map(\.ids) == [[1]])
        }
    }

    @Test func recordsAtMostABatchAtOnce() async throws {
        let store = FakeSettleStore()
        rig.parts.settleQueue.add(outcomes(1...1200))
        try await rig.run(settler(store)) { _ in
            try await rig.time.turn { rig.inFlight == 0 }
            #expect(store.settles.value.map(\.batch.count) == [500, 500, 200])
        }
    }

    @Test func waitsForMoreWhileTheyComeFast() async throws {
        let store = FakeSettleStore()
        let all = outcomes(1...900)
        try await rig.run(settler(store)) { _ in
            // The first come at once: how fast they come is not known yet.
            try await rig.time.rest(after: { rig.parts.settleQueue.add(Array(all[..<300])) })
            #expect(store.settles.value.map(\.batch.count) == [300])
            // 600 are in flight: half of them is worth waiting for. The first two wait in vain.
            #expect(
                try await rig.time.rest(after: { rig.parts.settleQueue.add(Array(all[300..<302])) })
                    == SettlePace.longestWait)
            rig.parts.settleQueue.add(Array(all[302..<599]))
            #expect(store.settles.value.count == 1)
            try await rig.time.rest(after: { rig.parts.settleQueue.add(Array(all[599..<600])) })
            #expect(store.settles.value.map(\.batch.count) == [300, 300])
            // Fewer wait for the others, but not for long.
            try await rig.time.rest(after: { rig.parts.settleQueue.add(Array(all[600..<610])) })
            try await rig.time.turn()
            #expect(store.settles.value.map(\.batch.count) == [300, 300, 10])
        }
    }

    @Test func aSettleOfUnknownFateIsRepeatedAndMarked() async throws {
        let store = FakeSettleStore(failing: PostgresError(.connectionLost, "gone"))
        rig.parts.settleQueue.add(outcomes(1...3))
        try await rig.run(settler(store)) { _ in
            #expect(try await rig.time.rest() == SettleAttempt.firstWait)
            #expect(rig.inFlight == 3)
            try await rig.time.turn()
            #expect(store.settles.value.map(\.again) == [false, true])
            #expect(store.settles.value.map(\.ids) == [[1, 2, 3], [1, 2, 3]])
            #expect(rig.inFlight == 0)
        }
    }

    @Test func whatIsKeptIsCountedUntilItIsRecordedOrGivenUp() async throws {
        let store = FakeSettleStore { settle in
            settle.ids.contains(4) ? .failure(.badText) : .success(settle.ids.contains(3) ? [.stale(3)] : [])
        }
        let kept = { rig.metric("postrider_unrecorded_outcomes") }
        #expect(kept() == 0)
        rig.parts.settleQueue.add(outcomes(1...4))
        #expect(kept() == 4)
        try await rig.run(settler(store)) { _ in
            try await rig.time.turn { rig.inFlight == 0 }
            #expect(kept() == 0)
        }
    }

    @Test func aSettleThatHasNoConnectionKeepsTheClaimerFromClaiming() async throws {
        Settler.cannotConnect(rig.parts, PostgresError(.connectFailed, "no"))
        #expect(rig.parts.state.isBehind)
        rig.parts.settleQueue.add(outcomes(1...4))
        try await rig.run(settler(FakeSettleStore())) { _ in
            try await rig.time.turn { rig.inFlight == 0 }
            #expect(!rig.parts.state.isBehind)
        }
    }

    @Test func aSettleThatWasNeverSentIsRepeatedUnmarked() async throws {
        let store = FakeSettleStore(failing: PostgresError(.connectFailed, "no"), .refused("40P01"))
        rig.parts.settleQueue.add(outcomes([1]))
        try await rig.run(settler(store)) { _ in
            try await rig.time.turn { rig.inFlight == 0 }
            #expect(store.settles.value.map(\.again) == [false, false, false])
        }
    }

    @Test func aPoisonousRowIsFoundByHalvingAndStripped() async throws {
        let store = FakeSettleStore { settle in
            settle.batch.contains { $0.delivery.id == 3 && $0.error != nil } ? .failure(.badText) : .success([])
        }
        rig.parts.settleQueue.add(outcomes(1...4))
        try await rig.run(settler(store)) { _ in
            try await rig.time.rest()
            let settles = store.settles.value
            try #require(settles.map(\.ids) == [[1, 2, 3, 4], [1, 2], [3, 4], [3], [3], [4]])
            let stripped = try #require(settles[4].batch.first)
            #expect(stripped.error == nil && stripped.responseBody == nil && stripped.remoteAddress == nil)
            #expect(stripped.outcome == .retry(after: .zero) && stripped.errorCode == .httpStatus)
            #expect(settles[5].batch.first?.error != nil)
            #expect(rig.inFlight == 0)
        }
    }

    @Test func aRowThatCannotBeRecordedAtAllIsGivenUpAlone() async throws {
        let store = FakeSettleStore { settle in settle.ids.contains(2) ? .failure(.badText) : .success([]) }
        rig.parts.settleQueue.add(outcomes(1...2))
        try await rig.run(settler(store)) { _ in
            try await rig.time.rest()
            #expect(store.settles.value.map(\.ids) == [[1, 2], [1], [2], [2]])
            #expect(rig.inFlight == 0)
            // It goes on: the next outcome is recorded.
            try await rig.time.rest(after: { rig.parts.settleQueue.add(outcomes([3])) })
            #expect(store.settles.value.last?.ids == [3])
        }
    }

    @Test func isKeptThroughTenMinutesWithoutADatabaseAndThenRecordedOnce() async throws {
        let store = FakeSettleStore { _ in .failure(PostgresError(.connectFailed, "no")) }
        rig.parts.settleQueue.add(outcomes(1...200))
        let began = rig.time.now
        try await rig.run(settler(store)) { _ in
            try await rig.time.turn { rig.time.now - began > .seconds(600) }
            #expect(rig.inFlight == 200)
            // Nothing is claimed in the meantime: it would end the same way.
            #expect(rig.parts.state.isBehind)
            // Tried about once a second: it neither spins nor sleeps.
            #expect((590...620).contains(store.settles.value.count))
            store.answer.value = { _ in .success([]) }
            try await rig.time.turn { rig.inFlight == 0 }
            #expect(store.settles.value.last?.ids == Array(1...200))
            #expect(!rig.parts.state.isBehind)
            #expect(rig.metric("postrider_lost_outcomes_total") == 0)
            #expect(rig.metric("postrider_settles_total") == 1)
        }
    }

    @Test func whatAnotherSessionHoldsIsSetAsideAndTheOthersGoOn() async throws {
        let isHeld = Shared(true)
        let store = FakeSettleStore { settle in
            guard isHeld.value, settle.batch.contains(where: { $0.delivery.endpoint == 2 }) else { return .success([]) }
            guard settle.leave else { return .failure(.refused("55P03")) }
            return .success(settle.batch.indices.filter { settle.batch[$0].delivery.endpoint == 2 }.map { .left($0) })
        }
        rig.parts.settleQueue.add(outcomes(1...3) + outcomes(4...5, endpoint: 2))
        try await rig.run(settler(store)) { _ in
            #expect(try await rig.time.rest() == Postponed.firstPause)
            #expect(store.settles.value.map(\.leave) == [false, true])
            #expect(rig.inFlight == 2)
            #expect(!rig.parts.state.isBehind)
            // What comes for the same endpoint joins it: the settle of the others does not wait again.
            try await rig.time.rest(after: {
                rig.parts.settleQueue.add(outcomes(6...7) + outcomes(8...8, endpoint: 2))
            })
            #expect(store.settles.value.last?.ids == [6, 7] && store.settles.value.last?.leave == false)
            #expect(rig.inFlight == 3)
            // Tried less and less often, about once a second in the end.
            let before = store.settles.value.count
            let began = rig.time.now
            try await rig.time.turn { rig.time.now - began > .seconds(60) }
            #expect((55...70).contains(store.settles.value.count - before))
            isHeld.value = false
            try await rig.time.turn { rig.inFlight == 0 }
            #expect(store.settles.value.last?.ids.sorted() == [4, 5, 8])
            #expect(rig.metric("postrider_lost_outcomes_total") == 0)
        }
    }

    @Test func whatIsStillHeldAtTheEndIsGivenUpAfterOneMoreTry() async throws {
        let store = FakeSettleStore { settle in
            settle.leave ? .success(settle.batch.indices.map { .left($0) }) : .failure(.refused("55P03"))
        }
        rig.parts.settleQueue.add(outcomes(1...3))
        try await rig.run(settler(store)) { group in
            try await rig.time.rest()
            await group.triggerGracefulShutdown()
            try await store.closed.wait()
        }
        #expect(store.settles.value.map(\.leave) == [false, true, true])
        #expect(rig.metric("postrider_lost_outcomes_total") == 3)
        #expect(rig.inFlight == 0)
    }

    @Test func tellsThatTheStorageIsFullAndThatItIsNoMore() async throws {
        let store = FakeSettleStore(failing: .diskFull)
        rig.parts.settleQueue.add(outcomes([1]))
        try await rig.run(settler(store)) { _ in
            try await rig.time.rest()
            #expect(rig.parts.state.isStorageFull)
            #expect(rig.reasons.contains(.storageFull))
            try await rig.time.turn()
            #expect(!rig.parts.state.isStorageFull)
            #expect(!rig.reasons.contains(.storageFull))
            #expect(rig.inFlight == 0)
        }
    }

    @Test func aLostLeaseGivesItsPermitBackToo() async throws {
        let store = FakeSettleStore { _ in .success([.stale(2)]) }
        rig.parts.settleQueue.add(outcomes(1...2))
        try await rig.run(settler(store)) { _ in
            try await rig.time.rest()
            #expect(store.settles.value.map(\.ids) == [[1, 2]])
            #expect(rig.inFlight == 0)
        }
    }

    @Test func recordsAllThatIsLeftBeforeItEnds() async throws {
        let store = FakeSettleStore(failing: PostgresError(.connectFailed, "no"))
        rig.parts.settleQueue.add(outcomes(1...700))
        try await rig.run(settler(store)) { group in
            try await rig.time.turn { store.settles.value.count == 1 }
            store.answer.value = { _ in .success([]) }
            await group.triggerGracefulShutdown()
            try await store.closed.wait()
        }
        #expect(store.settles.value.map(\.batch.count) == [500, 500, 200])
        #expect(rig.inFlight == 0)
        #expect(rig.parts.state.givenUpInDrain == 0)
    }

    @Test func doesNotWaitForADatabaseThatIsAwayAtTheEnd() async throws {
        let store = FakeSettleStore { _ in .failure(PostgresError(.connectFailed, "no")) }
        rig.parts.settleQueue.add(outcomes(1...3))
        rig.parts.state.beginDrain()
        try await rig.run(settler(store)) { group in
            try await rig.time.rest()
            await group.triggerGracefulShutdown()
            try await store.closed.wait()
        }
        #expect(store.settles.value.count == 2)
        #expect(rig.metric("postrider_lost_outcomes_total") == 3)
        #expect(rig.parts.state.givenUpInDrain == 3)
        #expect(rig.inFlight == 0)
    }
}
