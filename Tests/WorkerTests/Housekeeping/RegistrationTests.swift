import Postgres
import ServiceLifecycle
import Testing

@testable import OutboxStore
@testable import Worker

@Suite(.timeLimit(.minutes(1))) struct RegistrationTests {
    private let rig = Rig(isRegistered: false)
    private let store = FakeHouseStore()

    private func run(_ body: (ServiceGroup) async throws -> Void) async throws {
        try await rig.run(Registration(rig.parts, store: store, name: "host:1", version: "9.9"), body)
    }

    @Test func triesUntilTheDatabaseIsThere() async throws {
        store.content.change { content in
            let no = PostgresError(.connectFailed, "no")
            content.registrations = [.failure(no), .failure(.refused("42P01")), .success(12)]
        }
        try await run { _ in
            #expect(try await rig.time.rest() == Registration.pause)
            #expect(rig.parts.state.id == nil)
            #expect(rig.reasons == [.starting])
            try await rig.time.turn { rig.parts.state.id != nil }
            #expect(rig.parts.state.id == 12)
            // The claimer takes it away, after its first look.
            #expect(rig.reasons == [.notLooked])
            #expect(store.asked == Array(repeating: "register host:1 9.9", count: 3))
        }
    }

    @Test func staysUntilItIsToldToStop() async throws {
        try await run { group in
            // Its connection is given back when it has done its part.
            try await store.rested.wait()
            #expect(try await rig.time.rest() == Registration.idleWait)
            for _ in 0..<5 { try await rig.time.turn() }
            await group.triggerGracefulShutdown()
            try await rig.ended.wait()
        }
        #expect(store.asked.count == 1)
    }

    @Test func registersAgainWhenTheListHasLostIt() async throws {
        store.content.change { $0.registrations = [.success(12), .success(13)] }
        try await run { _ in
            try await rig.time.turn { rig.parts.state.id == 12 }
            rig.parts.state.lostRegistration()
            try await rig.time.turn { rig.parts.state.id == 13 }
        }
    }

    @Test func stopsWhileTheDatabaseIsAway() async throws {
        store.content.change { $0.failures["register host:1 9.9"] = PostgresError(.connectFailed, "no") }
        try await run { group in
            try await rig.time.rest()
            await group.triggerGracefulShutdown()
            try await rig.ended.wait()
        }
        #expect(rig.parts.state.id == nil)
    }
}
