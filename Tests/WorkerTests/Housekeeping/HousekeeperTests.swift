import Postgres
import ServiceLifecycle
import Telemetry
import Testing

@testable import OutboxStore
@testable import Worker

/// The housekeeper against a database that does what the test says.
@Suite(.timeLimit(.minutes(1))) struct HousekeeperTests {
    private let rig = Rig()
    private let store = FakeHouseStore()

    private func housekeeper(_ rig: Rig) -> Housekeeper {
        let desk = VerificationDesk(
            rig.parts, couriers: FakeTaker(), random: { 0.5 }, randomBytes: { Array(repeating: 7, count: $0) })
        return Housekeeper(rig.parts, store: store, verifications: desk)
    }

    private func run(_ body: (ServiceGroup) async throws -> Void) async throws {
        try await rig.run(housekeeper(rig), body)
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
            // Leases only after a while: their owners may be about to settle.
            #expect(store.asked == ["state", "beat 7", "subscriptions", "endpoints after 0"])
            try await pass(HeadStart.afterStart)
            let leases = count("leases")
            try await pass(Housekeeper.subscriptionPause)
            for what in ["state", "subscriptions"] { #expect(count(what) == 4, "\(what)") }
            #expect(leases == 1 && count("leases") == 2)
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

    // MARK: Signs of life

    @Test func tellsHowMuchIsInFlightAndThatItDrains() async throws {
        try await run { _ in
            try await rig.time.rest()
            rig.parts.permits.take([Samples.delivery(1), Samples.delivery(2)])
            try await pass(Housekeeper.heartbeatPause)
            rig.parts.state.beginDrain()
            try await pass(Housekeeper.heartbeatPause)
            func pulse(_ inFlight: Int32, isDraining: Bool = false) -> WorkerPulse {
                WorkerPulse(
                    inFlight: inFlight, isDraining: isDraining,
                    settings: "https only; public addresses only; keys: none", clockAhead: .zero)
            }
            #expect(store.content.value.beats == [pulse(0), pulse(2), pulse(2, isDraining: true)])
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
        try await rig.run(housekeeper(rig)) { _ in
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

    @Test func anAnswerThatIsLateIsNotADatabaseThatIsAway() async throws {
        rig.parts.health.set(.starting, false)
        let cancelled = ServerReport(state: .queryCanceled, severity: "ERROR", message: "no")
        try await run { _ in
            try await rig.time.rest()
            fail(PostgresError(.deadlineExceeded, "late", report: cancelled))
            try await pass(Housekeeper.watchPause * 2)
            #expect(rig.reasons == [] && rig.failures("watch") > 0)
            fail(PostgresError(.deadlineExceeded, "late"))
            try await pass(Housekeeper.watchPause * 2)
            #expect(rig.reasons.contains(.databaseUnreachable))
        }
    }

    @Test func tellsTheDatabaseWhatFailsAndWhatIsHeldBack() async throws {
        rig.parts.state.heldBack(2, "endpoint a: no key")
        for _ in 0..<3 { rig.parts.health.failed(.claim, "smallint out of range") }
        try await run { _ in
            try await rig.time.rest()
            #expect(store.content.value.beats.first?.trouble == nil)
            try await pass(Housekeeper.heartbeatPause)
            let pulse = try #require(store.content.value.beats.last)
            #expect(pulse.heldBack == 2 && pulse.heldBackWhy == "endpoint a: no key")
            #expect(pulse.trouble?.step == "claim" && pulse.trouble?.failures == 3)
            #expect(pulse.trouble?.error == "smallint out of range")
        }
    }

    @Test func aClockThatIsOffIsAReason() async throws {
        rig.parts.health.set(.starting, false)
        try await run { _ in
            try await rig.time.rest()
            let ours = rig.wallClock.value
            for (offset, isOff): (Int64, Bool) in [(59, false), (61, true), (-59, false), (-61, true), (0, false)] {
                let reasons = try await reasons { store.says { $0.clock = ours + offset * 1_000_000 } }
                #expect(reasons == (isOff ? [.clockSkew] : []), "\(offset) s")
                #expect(rig.parts.state.mayClaim == !isOff, "\(offset) s")
            }
        }
    }

    @Test func nothingIsClaimedBeforeTheClocksWereCompared() {
        let state = WorkerState()
        #expect(!state.mayClaim)
        let (right, off) = (
            ClockSkew(before: 0, database: 5, after: 9), ClockSkew(before: 70_000_000, database: 5, after: 70_000_009)
        )
        #expect(!state.found(right) && state.mayClaim)
        #expect(state.found(off) && !state.mayClaim)
        #expect(state.clockAhead == .microseconds(69_999_995))
        #expect(!state.found(off))
        #expect(state.found(right) && state.mayClaim)
    }
}
