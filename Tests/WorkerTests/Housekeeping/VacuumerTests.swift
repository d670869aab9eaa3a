import Postgres
import ServiceLifecycle
import Testing

@testable import Worker

@Suite(.timeLimit(.minutes(1))) struct VacuumerTests {
    private let rig = Rig()
    private let store = FakeHouseStore()
    private let question = "vacuum duty \(Vacuumer.deadRows)"

    private func run(_ body: (ServiceGroup) async throws -> Void) async throws {
        try await rig.run(Vacuumer(rig.parts, store: store), body)
    }

    @Test func vacuumsWhenItIsItsTurn() async throws {
        try await run { _ in
            #expect(try await rig.time.rest() == Vacuumer.pause)
            #expect(store.asked == [question])
            store.content.change { $0.mayVacuum = true }
            try await rig.time.turn()
            #expect(store.asked == [question, question, "vacuum"])
        }
    }

    @Test func aVacuumThatFailsIsTriedAgain() async throws {
        store.content.change { content in
            content.mayVacuum = true
            content.failures["vacuum"] = .refused("57014")
        }
        try await run { _ in
            try await rig.time.turn()
            #expect(store.asked == [question, "vacuum", question, "vacuum"])
        }
    }

    @Test func closesItsConnectionWhenToldToStop() async throws {
        try await run { group in
            try await rig.time.rest()
            await group.triggerGracefulShutdown()
            try await store.closed.wait()
            try await rig.ended.wait()
        }
    }
}
