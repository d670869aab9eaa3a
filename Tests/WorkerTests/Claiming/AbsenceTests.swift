import Outbox
import OutboxStore
import Postgres
import Testing

@testable import Worker

/// The claimer after the database was away, slow, or did not answer.
@Suite(.timeLimit(.minutes(1))) struct AbsenceTests {
    private let rig = Rig(maxInFlight: 100)
    private let store: FakeClaimStore
    private let couriers = FakeCouriers()

    init() {
        store = FakeClaimStore(time: rig.time)
    }

    private var content: Shared<FakeClaimStore.Content> { store.content }

    private func run(_ body: () async throws -> Void) async throws {
        try await rig.run(
            Claimer(rig.parts, store: store, couriers: couriers, shaper: FakeShapingDesk(), wakeup: rig.claimWakeup)
        ) { _ in
            try await body()
            rig.parts.permits.giveBack(couriers.deliveries.map { Samples.delivery($0) })
        }
    }

    private func turn(for duration: Duration) async throws {
        let end = rig.time.now + duration
        try await rig.time.turn { rig.time.now >= end }
    }

    // MARK: Slow looks

    @Test(arguments: [1, 8, 3600]) func aSlowLookIsSoonFollowedByTheNext(seconds: Int) async throws {
        let time = rig.time
        try await run {
            try await turn(for: .seconds(10))
            let slow = content.value.looks.count
            content.change { $0.onLook = { if $0 == slow { time.advance(by: .seconds(seconds)) } } }
            try await rig.time.turn { content.value.looks.count > slow }
            let answered = rig.time.now
            store.commit([Samples.delivery(1)])
            try await rig.time.turn { couriers.deliveries == [1] }
            #expect(rig.time.now - answered < .seconds(2))
        }
    }

    // MARK: Outcomes that cannot be recorded

    @Test func nothingIsClaimedWhileOutcomesCannotBeRecordedButItGoesOnLooking() async throws {
        try await run {
            try await turn(for: .milliseconds(100))
            rig.parts.state.found(behind: true)
            store.commit([Samples.delivery(1)])
            let looks = content.value.looks.count
            try await turn(for: .seconds(10))
            #expect(store.asked.isEmpty)
            // It neither spins nor sleeps.
            #expect((100...2_000).contains(content.value.looks.count - looks))
            rig.parts.state.found(behind: false)
            try await rig.time.turn { couriers.deliveries == [1] }
        }
    }

    // MARK: Leases of others

    /// By how much the leases that the next claim may take over have ended; nil when it may take none.
    private func leaseAge() async throws -> Duration? {
        let id = Int64(store.asked.count + 1)
        store.commit([Samples.delivery(id, endpoint: Int32(id))])
        try await rig.time.turn { couriers.deliveries.last == id }
        rig.parts.permits.giveBack([Samples.delivery(id, endpoint: Int32(id))])
        content.change { $0.due = [] }
        let lapsed = store.asked.last?.lapsed ?? .infinity
        return lapsed == .negativeInfinity ? nil : lapsed.duration(to: store.clock)
    }

    private func runGivingBack(_ body: () async throws -> Void) async throws {
        try await rig.run(
            Claimer(rig.parts, store: store, couriers: couriers, shaper: FakeShapingDesk(), wakeup: rig.claimWakeup)
        ) { _ in
            try await body()
        }
    }

    @Test func areLeftToThemAfterTheStartAndThenNot() async throws {
        try await runGivingBack {
            try await turn(for: .milliseconds(100))
            #expect(try await leaseAge() == nil)
            try await turn(for: HeadStart.afterStart)
            #expect(try #require(await leaseAge()) < .zero)
        }
    }

    @Test func areLeftToThemAfterAReconnect() async throws {
        try await runGivingBack {
            try await turn(for: .seconds(10))
            rig.parts.state.reconnected()
            try await turn(for: .milliseconds(100))
            #expect(try await leaseAge() == nil)
            try await turn(for: HeadStart.afterAbsence - .seconds(1))
            #expect(try await leaseAge() == nil)
            try await turn(for: .seconds(1))
            #expect(try await leaseAge() != nil)
        }
    }

    @Test func areLeftToThemAfterAStall() async throws {
        let time = rig.time
        try await runGivingBack {
            try await turn(for: .seconds(10))
            let slow = content.value.looks.count
            content.change { $0.onLook = { if $0 == slow { time.advance(by: .seconds(8)) } } }
            try await rig.time.turn { content.value.looks.count > slow }
            #expect(try await leaseAge() == nil)
            try await turn(for: HeadStart.afterAbsence)
            #expect(try await leaseAge() != nil)
        }
    }

    // MARK: Claims without an answer

    @Test func whatAClaimLeasedWithoutAnAnswerIsGivenBack() async throws {
        try await run {
            try await turn(for: .milliseconds(100))
            store.commit([Samples.delivery(1)])
            try await rig.time.turn { couriers.deliveries == [1] }
            content.change { $0.claimError = PostgresError(.connectionLost, "gone") }
            store.commit([Samples.delivery(2, endpoint: 2)])
            try await rig.time.turn { store.asked.last?.lanes == [2] }
            content.change { content in
                content.claimError = nil
                content.leased = [Samples.delivery(1), Samples.delivery(2, endpoint: 2)]
                content.due = []
            }
            try await rig.time.turn { !content.value.leaseReads.isEmpty }
            #expect(content.value.leaseReads.first?.keys.sorted() == [2])
            let given = rig.parts.settleQueue.takeBatch()
            // The first is in flight: this worker knows of it.
            #expect(given.map(\.delivery.id) == [2] && given.map(\.outcome) == [.released])
            #expect(rig.inFlight == 2)
            rig.parts.permits.giveBack(given.map(\.delivery))
            content.change { $0.leased = [Samples.delivery(1)] }
            // Once more a little later, since a server may be at work on a claim whose connection is gone; then no more.
            try await turn(for: .seconds(20))
            #expect(content.value.leaseReads.count == LostClaims.pauses.count)
            #expect(rig.parts.settleQueue.takeBatch().isEmpty)
        }
    }

    @Test func aClaimThatWasRefusedLeasedNothing() async throws {
        try await run {
            try await turn(for: .milliseconds(100))
            content.change { $0.claimError = .refused("40P01") }
            store.commit([Samples.delivery(1)])
            try await rig.time.turn { !store.asked.isEmpty }
            content.change { $0.claimError = nil }
            try await turn(for: .seconds(2))
            #expect(content.value.leaseReads.isEmpty)
        }
    }
}
