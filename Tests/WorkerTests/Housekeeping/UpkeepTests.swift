import Outbox
import Postgres
import ServiceLifecycle
import Testing

@testable import Worker

/// The upkeep against a database that does what the test says.
@Suite(.timeLimit(.minutes(1))) struct UpkeepTests {
    private let rig = Rig()
    private let store = FakeHouseStore()

    private func run(_ duties: [Duty], _ body: (ServiceGroup) async throws -> Void) async throws {
        try await rig.run(Upkeep(rig.parts, store: store, of: duties, limit: .seconds(10)), body)
    }

    private func count(_ what: String) -> Int { store.asked.count { $0 == what } }

    private func failures(of duty: Duty) -> Double? {
        rig.metric("postrider_duty_failures_total{duty=\"\(duty.rawValue)\"}")
    }

    @Test func everyDutyIsShortOrLong() {
        #expect(Set(Duty.short + Duty.long) == Set(Duty.allCases))
        #expect(Duty.short.count + Duty.long.count == Duty.allCases.count)
    }

    @Test func marksEachDutyBeforeItIsDone() async throws {
        let each: [String] = Duty.short.flatMap { ["take \($0.rawValue)", $0.rawValue] }
        try await run(Duty.short) { _ in
            let pause = try await rig.time.rest()
            #expect(pause == Upkeep.busyPause)
            #expect(store.asked == ["due"] + each)
        }
    }

    @Test func leavesWhatIsNotDueNotItsOwnOrTakenByAnother() async throws {
        store.content.change { content in
            content.due = [.workers, .keys, .partitions]
            content.taken = [.workers]
        }
        try await run(Duty.short) { _ in
            try await rig.time.rest()
            #expect(store.asked == ["due", "take keys", "keys", "take workers"])
        }
    }

    @Test func oneThatFailsIsCountedAndNotedAndKeepsNoOtherFromBeingDone() async throws {
        store.content.change { content in
            content.failures["partitions"] = .refused("55P03")
            content.failures["take strays"] = .refused("57014")
        }
        try await run(Duty.long) { _ in
            try await rig.time.rest()
            #expect(failures(of: .partitions) == 1 && failures(of: .strays) == 1 && failures(of: .retention) == 0)
            #expect(store.asked.contains("note partitions no (SQLSTATE 55P03)"))
            for duty in [Duty.retention, .idempotency, .repairAll] { #expect(count(duty.rawValue) == 1, "\(duty)") }
            #expect(count("strays") == 0)
        }
    }

    @Test func oneThatFailsAgainAndAgainMakesTheWorkerUnreadyUntilItIsDone() async throws {
        rig.parts.health.set(.starting, false)
        store.content.change { content in
            content.failures["keys"] = .refused("XX000")
            content.failuresInARow = [.keys: 2]
        }
        try await run(Duty.short) { _ in
            try await rig.time.turn { count("keys") == 2 }
            #expect(rig.reasons == [])
            store.content.change { $0.failuresInARow = [.keys: 3] }
            try await rig.time.turn { count("keys") == 3 }
            #expect(rig.reasons == [.dutyFailing])
            // While it rests, and while another worker is at it, it still fails.
            store.content.change { $0.due = [] }
            let asked = count("due")
            try await rig.time.turn { count("due") == asked + 3 }
            #expect(rig.reasons == [.dutyFailing])
            store.content.change { content in
                content.due = [.keys]
                content.taken = [.keys]
            }
            try await rig.time.turn { count("due") == asked + 5 }
            #expect(rig.reasons == [.dutyFailing])
            // Another worker has done it.
            store.content.change { $0.failuresInARow = [:] }
            try await rig.time.turn { count("due") == asked + 7 }
            #expect(rig.reasons == [])
        }
    }

    @Test func oneThatIsDoneHereMakesTheWorkerReadyAtOnce() async throws {
        rig.parts.health.set(.starting, false)
        store.content.change { content in
            content.failures["keys"] = .refused("XX000")
            content.failuresInARow = [.keys: 5]
        }
        try await run(Duty.short) { _ in
            try await rig.time.turn { rig.reasons == [.dutyFailing] }
            store.content.change { $0.failures = [:] }
            let done = count("keys")
            try await rig.time.turn { count("keys") == done + 1 }
            try await rig.time.rest()
            #expect(rig.reasons == [])
        }
    }

    /// A transaction that stays open keeps partitions from being dropped: the duty fails, and no worker is at fault.
    @Test func whatAnotherSessionLocksDoesNotMakeTheWorkerUnready() async throws {
        rig.parts.health.set(.starting, false)
        store.content.change { content in
            content.failures["retention"] = .refused("55P03")
            content.failuresInARow = [.retention: 9]
        }
        try await run(Duty.long) { _ in
            try await rig.time.turn { count("retention") == 4 }
            #expect(failures(of: .retention) == 4)
            #expect(rig.reasons == [])
        }
    }

    @Test func withoutADatabaseNoDutyCountsAsFailed() async throws {
        store.content.change { $0.failures["due"] = PostgresError(.connectFailed, "no") }
        try await run(Duty.short) { _ in
            let pause = try await rig.time.rest()
            #expect(pause == Upkeep.pause)
            try await rig.time.turn { count("due") == 3 }
            #expect(Set(store.asked) == ["due"])
            for duty in Duty.allCases { #expect(failures(of: duty) == 0) }
        }
    }

    @Test func stopsWithItsConnection() async throws {
        try await run(Duty.short) { group in
            try await rig.time.rest()
            await group.triggerGracefulShutdown()
            try await store.closed.wait()
            try await rig.ended.wait()
        }
    }
}
