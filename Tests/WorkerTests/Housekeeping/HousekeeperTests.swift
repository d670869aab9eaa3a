import Postgres
import ServiceLifecycle
import Testing

@testable import OutboxStore
@testable import Worker

/// The housekeeper against a database that does what the test says.
@Suite(.timeLimit(.minutes(1))) struct HousekeeperTests {
    private let rig = Rig()
    private let store = FakeHouseStore()

    private func run(_ body: (ServiceGroup) async throws -> Void) async throws {
        try await rig.run(Housekeeper(rig.parts, store: store), body)
    }

    private func count(_ what: String) -> Int { store.asked.count { $0 == what } }

    /// Lets this much time pass.
    private func pass(_ time: Duration) async throws {
        let end = rig.time.now + time
        try await rig.time.turn { rig.time.now >= end }
    }

    @Test func whatEveryWorkerDoesOftenKeepsNothingElseFromBeingDone() async throws {
        store.content.change { content in
            for duty in ["subscriptions", "leases"] { content.failures[duty] = .refused("55P03") }
        }
        try await run { _ in
            #expect(try await rig.time.rest() == Housekeeper.watchPause)
            #expect(store.asked == ["state", "beat 7", "subscriptions", "leases"])
            try await pass(Housekeeper.subscriptionPause)
            for what in ["state", "subscriptions", "leases"] { #expect(count(what) == 2, "\(what)") }
        }
    }

    @Test func asksAsOftenAsEachNeeds() async throws {
        try await run { _ in
            try await rig.time.rest()
            try await pass(.seconds(20))
            for (what, pause) in [
                ("state", Housekeeper.watchPause), ("subscriptions", Housekeeper.subscriptionPause),
                ("beat 7", Housekeeper.heartbeatPause),
            ] {
                let expected = Int(Duration.seconds(20) / pause) + 1
                #expect((expected - 1...expected).contains(count(what)), "\(what) \(count(what))")
            }
        }
    }

    @Test func aWatchThatFailsComesBeforeTheRest() async throws {
        store.content.change { $0.failures["state"] = PostgresError(.connectFailed, "no") }
        try await run { _ in
            #expect(try await rig.time.rest() == Housekeeper.watchPause)
            try await rig.time.turn()
            #expect(Set(store.asked) == ["state"])
            store.content.change { $0.failures = [:] }
            try await rig.time.turn { count("subscriptions") == 1 }
        }
    }

    @Test func theLagIsTheAgeOfWhatHasWaitedLongest() async throws {
        try await run { _ in
            try await rig.time.rest()
            #expect(rig.metric("postrider_delivery_lag_seconds") == 0)
            rig.parts.state.waiting(since: PostgresTimestamp(unixMicroseconds: 1_700_000_000_000_000 - 2_500_000))
            try await pass(Housekeeper.watchPause)
            #expect(rig.metric("postrider_delivery_lag_seconds") == 2.5)
            rig.parts.state.waiting(since: nil)
            try await pass(Housekeeper.watchPause)
            #expect(rig.metric("postrider_delivery_lag_seconds") == 0)
        }
    }

    // MARK: Signs of life

    @Test func tellsHowMuchIsInFlightAndThatItDrains() async throws {
        try await run { _ in
            try await rig.time.rest()
            rig.parts.permits.take([Samples.delivery(1), Samples.delivery(2)])
            try await pass(Housekeeper.heartbeatPause)
            rig.parts.state.beginDrain()
            try await pass(Housekeeper.heartbeatPause)
            #expect(
                store.content.value.beats == [
                    .init(inFlight: 0, isDraining: false), .init(inFlight: 2, isDraining: false),
                    .init(inFlight: 2, isDraining: true),
                ])
        }
    }

    @Test func aBeatThatFindsNoRowEndsTheRegistration() async throws {
        rig.parts.health.set(.starting, false)
        try await run { _ in
            try await rig.time.rest()
            #expect(rig.parts.state.id == Rig.worker)
            store.content.change { $0.isListed = false }
            try await pass(Housekeeper.heartbeatPause)
            #expect(rig.parts.state.id == nil)
            #expect(rig.reasons == [.starting])
        }
    }

    @Test func withoutAnIdItGivesNoSignOfLifeAndLeavesNothing() async throws {
        let rig = Rig(isRegistered: false)
        try await rig.run(Housekeeper(rig.parts, store: store)) { _ in
            try await rig.time.turn { count("subscriptions") == 2 }
        }
        #expect(store.content.value.beats.isEmpty)
        #expect(!store.asked.contains { $0.hasPrefix("forget") })
    }

    @Test func leavingForgetsTheWorkerLast() async throws {
        try await run { _ in try await rig.time.rest() }
        #expect(store.asked.last == "forget 7")
        #expect(count("forget 7") == 1)
    }

    @Test func leavesEvenWhenTheDatabaseIsAway() async throws {
        store.content.change { content in
            for what in ["state", "forget 7"] { content.failures[what] = PostgresError(.connectFailed, "no") }
        }
        try await run { _ in try await rig.time.rest() }
        #expect(store.asked.last == "forget 7")
    }

    // MARK: Readiness

    private func reasons(after change: () -> Void) async throws -> [HealthReason] {
        change()
        try await pass(Housekeeper.watchPause * 2)
        return rig.reasons
    }

    @Test func saysWhyTheWorkerIsNotReady() async throws {
        rig.parts.health.set(.starting, false)
        try await run { _ in
            try await rig.time.rest()
            #expect(rig.reasons.isEmpty)
            #expect(try await reasons { store.says { $0.isReadOnly = true } } == [.databaseReadOnly])
            #expect(try await reasons { store.says { $0.schemaVersion = nil } } == [.schemaMissing])
            #expect(try await reasons { store.says { $0.schemaVersion = 1 } } == [.schemaMismatch])
            #expect(try await reasons { store.says { _ in } } == [])
            #expect(try await reasons { fail(.refused("42P01")) } == [.schemaMissing])
            #expect(try await reasons { fail(PostgresError(.connectFailed, "no")) } == [.databaseUnreachable])
            #expect(try await reasons { store.says { _ in } } == [])
        }
    }

    private func fail(_ error: PostgresError) {
        store.content.change { $0.state = .failure(error) }
    }

    @Test func aClockThatIsOffIsAReason() async throws {
        rig.parts.health.set(.starting, false)
        try await run { _ in
            try await rig.time.rest()
            let ours = rig.wallClock.value
            for (offset, isOff): (Int64, Bool) in [(59, false), (61, true), (-59, false), (-61, true), (0, false)] {
                let reasons = try await reasons { store.says { $0.clock = ours + offset * 1_000_000 } }
                #expect(reasons == (isOff ? [.clockSkew] : []), "\(offset) s")
            }
        }
    }
}
