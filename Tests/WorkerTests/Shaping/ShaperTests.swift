import Courier
import Outbox
import Postgres
import Testing

@testable import OutboxStore
@testable import Worker

/// A database that answers as the test says.
private final class FakeShapeStore: ShapeStore {
    struct Content: Sendable {
        var asked: [[Int64]] = []
        /// By the number of the event.
        var filtered: [Int64: String] = [:]
        var failed: [Int64: String] = [:]
        var made: [Int64: String] = [:]
        /// Events that take too long.
        var slow: Set<Int64> = []
        /// How many are done in one statement.
        var most = Int.max
        var error: PostgresError?
    }

    let content = Shared(Content())

    func shape(
        _ events: [EventKey], for endpoint: Int32, _ shaping: Shaping
    ) async throws(PostgresError) -> [ShapedEvent] {
        let content = content.change { content in
            content.asked.append(events.map(\.id))
            return content
        }
        if let error = content.error { throw error }
        if events.contains(where: { content.slow.contains($0.id) }) { throw .refused("57014") }
        return events.prefix(content.most).map { key in
            var event = Samples.event(key.id)
            if let why = content.filtered[key.id] { return ShapedEvent(key: key, result: .filtered(event, why)) }
            if let why = content.failed[key.id] { return ShapedEvent(key: key, result: .failed(event, why)) }
            if let body = content.made[key.id] {
                event.content = Array(body.utf8)
                event.bodyContentType = "application/json"
                event.isMade = true
            }
            return ShapedEvent(key: key, result: .passed(event))
        }
    }

    func closeSoon() {}
    func close() async {}
}

@Suite(.timeLimit(.minutes(1))) struct ShaperTests {
    private let rig = Rig(maxInFlight: 100)
    private let store = FakeShapeStore()
    private let couriers = FakeCouriers()

    private func run(_ ids: [Int64], _ record: EndpointRecord, until isDone: @escaping () -> Bool) async throws {
        let shaper = Shaper(rig.parts, store: store, couriers: couriers)
        let endpoint = Samples.endpoint(record)
        let asked = rig.time.now
        try await rig.run(shaper) { _ in
            try await rig.time.rest()
            shaper.submit(
                ids.map {
                    UnshapedDelivery(
                        delivery: Samples.delivery($0), endpoint: endpoint, passes: false, claimRequestedAt: asked)
                })
            try await rig.time.turn { isDone() }
        }
    }

    private func settled() -> [Settlement] {
        var all: [Settlement] = []
        while case let batch = rig.parts.settleQueue.takeBatch(), !batch.isEmpty { all += batch }
        return all
    }

    private func words(_ settlements: [Settlement]) -> [String] {
        settlements.map { "\($0.delivery.id) \($0.outcome) \($0.errorCode?.rawValue ?? "-")" }.sorted()
    }

    @Test func whatPassesIsSentAndTheOthersEndAsFiltered() async throws {
        store.content.change {
            $0.filtered = [2: "the filter is not true"]
            $0.made = [3: #"{"made":true}"#]
        }
        try await run([1, 2, 3], Samples.record(filter: "$.a == 1", transform: "s.f")) {
            couriers.deliveries.count == 2
        }
        #expect(couriers.deliveries == [1, 3])
        #expect(
            couriers.bodies == [
                #"{"type":"order.paid","timestamp":"2022-11-03T20:26:10.344522Z","data":{"n":1}}"#, #"{"made":true}"#,
            ])
        let settled = settled()
        #expect(settled.map(\.outcome) == [.filtered("the filter is not true")])
        #expect(settled.map(\.outcome.isAttempt) == [false])
        #expect(store.content.value.asked == [[1, 2, 3]])
    }

    @Test func aTransformThatFailsIsAFailedAttempt() async throws {
        store.content.change { $0.failed = [1: "division by zero"] }
        try await run([1], Samples.record(transform: "s.f")) { rig.parts.settleQueue.unrecorded == 1 }
        let settled = settled()
        #expect(words(settled) == ["1 retry(after: 1.0 seconds) transform_error"])
        #expect(settled.first?.error == "division by zero" && settled.first?.signal.isStrike == true)
    }

    /// One of them takes too long: the others go, and it alone fails.
    @Test func whatTakesTooLongFailsAlone() async throws {
        store.content.change { $0.slow = [2] }
        try await run([1, 2, 3], Samples.record(filter: "$.a == 1")) {
            couriers.deliveries == [1, 3] && rig.parts.settleQueue.unrecorded == 1
        }
        let settled = settled()
        #expect(words(settled) == ["2 retry(after: 1.0 seconds) filter_error"])
        #expect(settled.first?.error == "it took longer than a second")
        #expect(store.content.value.asked == [[1, 2, 3], [1], [2], [3]])
        #expect(rig.failures("shape") == 0)
    }

    @Test func whatAStatementDidNotComeToIsAskedNext() async throws {
        store.content.change { $0.most = 2 }
        try await run([1, 2, 3], Samples.record(filter: "$.a == 1")) { couriers.deliveries == [1, 2, 3] }
        #expect(store.content.value.asked == [[1, 2, 3], [3]])
    }

    /// What speaks of the database counts against no delivery.
    @Test func aDatabaseThatFailsGivesThemBack() async throws {
        store.content.change { $0.error = .diskFull }
        try await run([1, 2], Samples.record(filter: "$.a == 1")) { rig.parts.settleQueue.unrecorded == 2 }
        #expect(words(settled()) == ["1 released -", "2 released -"])
        #expect(rig.failures("shape") == 1)
    }

    @Test func whatIsTooLateForItsLeaseIsNotAsked() async throws {
        let shaper = Shaper(rig.parts, store: store, couriers: couriers)
        let endpoint = Samples.endpoint(Samples.record(filter: "$.a == 1"))
        let asked = rig.time.now - .seconds(60)
        try await rig.run(shaper) { _ in
            try await rig.time.rest()
            shaper.submit([
                UnshapedDelivery(
                    delivery: Samples.delivery(1), endpoint: endpoint, passes: false, claimRequestedAt: asked)
            ])
            try await rig.time.turn { rig.parts.settleQueue.unrecorded == 1 }
        }
        #expect(words(settled()) == ["1 released -"])
        #expect(store.content.value.asked.isEmpty)
    }

    /// An endpoint with neither filter nor transform asks for not one statement more, also beside one that has them.
    @Test func whatHasNoFilterIsNotAsked() async throws {
        let claims = FakeClaimStore(time: rig.time)
        let desk = FakeShapingDesk()
        let claimer = Claimer(rig.parts, store: claims, couriers: couriers, shaper: desk, wakeup: rig.claimWakeup)
        claims.content.change { $0.records[2] = Samples.record(2, filter: "$.a == 1") }
        try await rig.run(claimer) { _ in
            try await rig.time.rest()
            claims.commit([Samples.delivery(1)])
            try await rig.time.turn { couriers.deliveries == [1] }
            #expect(claims.content.value.fetches == 1 && desk.deliveries.value.isEmpty)
            claims.commit([Samples.delivery(2, endpoint: 2), Samples.delivery(3)])
            try await rig.time.turn { couriers.deliveries == [1, 3] && desk.deliveries.value == [2] }
            #expect(claims.content.value.fetches == 2)
            claims.commit([Samples.delivery(4, endpoint: 2)])
            try await rig.time.turn { desk.deliveries.value == [2, 4] }
            #expect(claims.content.value.fetches == 2)
            rig.parts.permits.giveBack(
                [1, 3].map { Samples.delivery($0) } + [2, 4].map { Samples.delivery($0, endpoint: 2) })
        }
    }

    /// A statement that fails after some were set aside gives each back once.
    @Test func aFetchThatFailsGivesAllBackOnce() async throws {
        let claims = FakeClaimStore(time: rig.time)
        let desk = FakeShapingDesk()
        let claimer = Claimer(rig.parts, store: claims, couriers: couriers, shaper: desk, wakeup: rig.claimWakeup)
        claims.content.change {
            $0.records[2] = Samples.record(2, filter: "$.a == 1")
            $0.fetchError = .diskFull
        }
        try await rig.run(claimer) { _ in
            try await rig.time.rest()
            claims.commit([Samples.delivery(1), Samples.delivery(2, endpoint: 2)])
            try await rig.time.turn { rig.parts.settleQueue.unrecorded == 2 }
            #expect(words(settled()) == ["1 released -", "2 released -"])
            #expect(desk.deliveries.value.isEmpty)
            rig.parts.permits.giveBack([Samples.delivery(1), Samples.delivery(2, endpoint: 2)])
        }
    }
}
