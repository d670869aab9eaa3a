import Outbox
import Postgres
import ServiceLifecycle
import Telemetry
import Testing

@testable import OutboxStore
@testable import Worker

/// The claimer beside rows that cannot be read, lanes that cannot be claimed, keys that it lacks, and statements that fail again
/// and again.
@Suite(.timeLimit(.minutes(1))) struct OneBadRowTests {
    private let rig = Rig(maxInFlight: 200)
    private let store: FakeClaimStore
    private let couriers = FakeCouriers()

    init() {
        store = FakeClaimStore(time: rig.time)
        rig.parts.health.set(.starting, false)
    }

    private var content: Shared<FakeClaimStore.Content> { store.content }

    private func run(_ body: (ServiceGroup) async throws -> Void) async throws {
        try await rig.run(
            Claimer(rig.parts, store: store, couriers: couriers, shaper: FakeShapingDesk(), wakeup: rig.claimWakeup),
            body)
    }

    /// One delivery for each of so many endpoints; event and delivery have the number of the endpoint.
    private func put(_ lanes: ClosedRange<Int32>) {
        store.commit(lanes.map { Samples.delivery(Int64($0), endpoint: $0) })
    }

    private func pass(_ time: Duration) async throws {
        let end = rig.time.now + time
        try await rig.time.turn { rig.time.now >= end }
    }

    /// What is settled without being sent; its permits come back.
    private func takeSettled() -> [Settlement] {
        let settled = rig.parts.settleQueue.takeBatch()
        rig.parts.permits.giveBack(settled.map(\.delivery))
        return settled
    }

    private func finish() {
        rig.parts.permits.giveBack(couriers.deliveries.map { Samples.delivery($0, endpoint: Int32($0)) })
        _ = takeSettled()
    }

    @Test(arguments: [[7], [1, 2], [1, 30, 31, 60]])
    func anEndpointThatCannotBeReadHarmsItselfAlone(_ bad: [Int32]) async throws {
        content.change { $0.spoiltEndpoints = Set(bad) }
        try await run { _ in
            try await rig.time.rest()
            put(1...60)
            try await rig.time.turn { couriers.deliveries.count == 60 - bad.count }
            let settled = takeSettled()
            #expect(settled.map(\.delivery.endpoint).sorted() == bad)
            #expect(settled.allSatisfy { $0.outcome == .dead(.invalidEndpoint) && $0.error == "no array" })
            #expect(rig.parts.health.trouble == nil)
            finish()
        }
    }

    @Test func anEventThatCannotBeReadHarmsItselfAlone() async throws {
        content.change { $0.spoiltEvents = [3, 50] }
        try await run { _ in
            try await rig.time.rest()
            put(1...60)
            try await rig.time.turn { couriers.deliveries.count == 58 }
            let settled = takeSettled()
            #expect(settled.map(\.delivery.event).sorted() == [3, 50])
            #expect(settled.allSatisfy { $0.outcome == .dead(.invalidEvent) })
            finish()
        }
    }

    @Test func aLaneThatCannotBeClaimedIsLeftAloneForAWhile() async throws {
        content.change { $0.spoiltLanes = [5] }
        try await run { _ in
            try await rig.time.rest()
            put(1...60)
            try await rig.time.turn { couriers.deliveries.count == 59 }
            #expect(!couriers.deliveries.contains(5))
            #expect(rig.metric("postrider_held_back_endpoints") == 1)
            #expect(rig.parts.state.heldBack.count == 1)
            #expect(rig.failures("claim") == 1 && rig.reasons == [])
            let asked = store.asked.count
            try await pass(HeldBack.pause / 2)
            #expect(store.asked.count == asked)
            content.change { $0.spoiltLanes = [] }
            try await pass(HeldBack.pause / 2)
            #expect(couriers.deliveries.contains(5))
            try await pass(.seconds(1))
            #expect(rig.metric("postrider_held_back_endpoints") == 0)
            finish()
        }
    }

    @Test func whatThisWorkerHasNoKeyForIsGivenBackAndLeftAlone() async throws {
        content.change { $0.records = [2: Samples.record(2, secrets: ["sealed:v1:k1:AAAA"])] }
        try await run { _ in
            try await rig.time.rest()
            put(1...3)
            try await rig.time.turn { couriers.deliveries.count == 2 }
            let settled = takeSettled()
            #expect(settled.map(\.delivery.id) == [2] && settled.map(\.outcome) == [.released])
            #expect(rig.reasons == [.keyMissing])
            #expect(rig.metric("postrider_held_back_endpoints") == 1)
            #expect(rig.parts.state.heldBack.why?.contains("POSTRIDER_SECRET_KEY_FILE") == true)
            // It is due again and a look tells of it. Others may take it; this worker looks again after a while only.
            let asked = store.asked.count
            put(2...2)
            try await pass(HeldBack.pause / 2)
            #expect(store.asked.count == asked && rig.inFlight == 2)
            #expect(rig.reasons == [.keyMissing])
            content.change { $0.records = [:] }
            try await pass(HeldBack.pause)
            #expect(couriers.deliveries.sorted() == [1, 2, 3])
            try await pass(.seconds(1))
            #expect(rig.reasons == [])
            finish()
        }
    }

    @Test func anEndpointThatIsRemovedMakesNoOneUnreadyAnyMore() async throws {
        content.change { $0.records = [2: Samples.record(2, secrets: ["sealed:v1:k1:AAAA"])] }
        try await run { _ in
            try await rig.time.rest()
            put(2...2)
            try await rig.time.turn { rig.reasons == [.keyMissing] }
            _ = takeSettled()
            content.change { content in
                content.due = []
                content.written.append([FoundLane(endpoint: 2, dueAt: .infinity, count: 0, hasChanged: true)])
            }
            try await pass(.seconds(2))
            #expect(rig.reasons == [])
            finish()
        }
    }

    @Test func aClaimThatFailsAgainAndAgainBacksOffAndShows() async throws {
        content.change { $0.claimError = .refused("57014") }
        try await run { _ in
            try await rig.time.rest()
            put(1...9)
            try await pass(.seconds(65))
            // Backing off to two seconds: not thousands.
            #expect((30...42).contains(store.asked.count), "\(store.asked.count)")
            #expect(rig.failures("claim") == Double(store.asked.count))
            #expect(rig.reasons == [.workFailing])
            #expect(rig.parts.health.trouble?.step == .claim)
            content.change { $0.claimError = nil }
            try await rig.time.turn { couriers.deliveries.count == 9 }
            #expect(rig.reasons == [])
            finish()
        }
    }

    @Test func aLookThatIsLateMakesTheLagUnknown() async throws {
        try await run { _ in
            try await rig.time.rest()
            #expect(rig.parts.health.lag == 0 && rig.reasons == [])
            content.change { $0.lookError = PostgresError(.deadlineExceeded, "late") }
            try await pass(.seconds(9))
            #expect(rig.parts.health.lag == 0)
            var seen: Set<[HealthReason]> = []
            try await pass(.seconds(9))
            for _ in 0..<20 {
                try await pass(.seconds(1))
                seen.insert(rig.reasons)
                #expect(rig.parts.health.lag == nil)
            }
            // One thing all the time.
            #expect(seen == [[.workFailing, .notMeasured]])
            #expect(!rig.registry.exposition().contains("\npostrider_delivery_lag_seconds "))
            content.change { $0.lookError = nil }
            try await pass(.seconds(3))
            #expect(rig.parts.health.lag == 0 && rig.reasons == [])
        }
    }

    @Test func whereTheDatabaseIsAwayThatIsTheReason() async throws {
        try await run { _ in
            try await rig.time.rest()
            content.change { $0.lookError = PostgresError(.connectFailed, "no") }
            rig.parts.health.set(.databaseUnreachable, true)
            try await pass(.seconds(20))
            #expect(rig.reasons == [.databaseUnreachable])
            #expect(rig.parts.health.lag == nil)
            #expect(rig.failures("look") > 3)
        }
    }
}
