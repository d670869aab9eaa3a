import CoreMetrics
import Logging
import Outbox
import Telemetry
import TestSupport
import Testing

@testable import Courier
@testable import OutboxStore
@testable import Worker

/// Each claimed delivery becomes a request or a settlement, and each result a settlement: what got lost on the way would keep
/// its permit for ever.
@Suite struct NothingLostTests {
    @Test(arguments: 0..<200)
    func ofAClaim(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let claim = Claim(&generator)
        let built = claim.build()
        let requested = built.requests.map(\.delivery)
        let settled = built.settled.map(\.delivery)
        #expect(requested.count + settled.count == claim.deliveries.count)
        #expect((requested + settled).sorted { $0.id < $1.id } == claim.deliveries)
        for request in built.requests {
            #expect(request.endpoint.id == request.delivery.endpoint)
            #expect(request.route.id == request.delivery.endpoint)
            #expect(request.mustStartBefore > claim.now - .seconds(1))
        }
        #expect(built.settled.allSatisfy { $0.outcome != .delivered && $0.outcome != .gone })
    }

    @Test(arguments: 0..<200)
    func ofTheResults(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let requests = Claim(&generator).build().requests
        let results = requests.shuffled(using: &generator).map { request in
            CourierResult(
                request: request, startedAt: .now,
                outcome: Self.outcome(&generator))
        }
        let queue = SettleQueue(arrived: Wakeup(on: ManualLoopClock()))
        let permits = Permits(InFlight(limit: 10, byteLimit: 1 << 20), freed: Wakeup(on: ManualLoopClock()))
        let receiver = ResultReceiver(
            queue: queue, permits: permits, metrics: DeliveryMetrics(registry: PrometheusRegistry(), version: "test"),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, proxy: nil, wallClock: { 1_000_000 },
            random: { 0.5 })
        receiver.receive(results)
        let settlements = queue.takeBatch()
        #expect(settlements.map(\.delivery) == results.compactMap { ($0.request as? OutgoingDelivery)?.delivery })
        #expect(settlements.count == requests.count)
        #expect(queue.takeBatch().isEmpty)
        #expect(queue.unrecorded == settlements.count)
        #expect(permits.takeNews().answered.map(\.endpoint) == settlements.map(\.delivery.endpoint))
    }

    private static func outcome(_ generator: inout SeededGenerator) -> CourierOutcome {
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: .notSent(Bool.random(using: &generator) ? .tooLate : .cancelled)
        case 1: .interrupted
        case 2: .failed(ErrorCode.allCases.randomElement(using: &generator) ?? .timeout, detail: "\0")
        default:
            .answered(
                CourierAnswer(
                    status: [200, 301, 410, 500, -1, Int.max].randomElement(using: &generator) ?? 200,
                    retryAfter: ["9", "x"], bodyPrefix: [0, 255]))
        }
    }
}

/// A claim as the database could give it, and worse: events that are gone or there twice, endpoints of all kinds.
private struct Claim {
    var deliveries: [ClaimedDelivery] = []
    var events: [StoredEvent] = []
    var endpoints = EndpointCache()
    let now = ContinuousClock.now

    // Most of them sound, so that there are requests and settlements in nearly every claim.
    private static let copies = [0, 1, 1, 1, 2]
    private static let lanes: [Int32] = [1, 1, 1, 2, 2, 2, 3, 4, 5, 6, 7, 8]
    private static let bases: [Int16] = [0, 0, 0, 1, -1]

    init(_ generator: inout SeededGenerator) {
        let records = [
            Samples.record(1), Samples.record(2, format: "raw"), Samples.record(3, url: "nonsense"),
            Samples.record(4, url: "https://10.0.0.1/"), Samples.record(5, secrets: ["sealed:v1:k1:AA"]),
            Samples.record(6, headers: ["no colon"]), Samples.record(7, maxAttempts: 0),
        ]
        endpoints.keep(
            records.filter { _ in Int.random(in: 0..<8, using: &generator) > 0 }.map(Samples.endpoint), now)
        for id in 0..<Int64.random(in: 0...12, using: &generator) {
            for _ in 0..<(Self.copies.randomElement(using: &generator) ?? 1) {
                let left =
                    [nil, nil, nil, Duration.zero, .seconds(-1), .seconds(9)].randomElement(using: &generator) ?? nil
                events.append(
                    Samples.event(id, bodyType: Bool.random(using: &generator) ? nil : "text/plain", expiresIn: left))
            }
        }
        for id in 0..<Int64.random(in: 0...60, using: &generator) {
            deliveries.append(
                Samples.delivery(
                    id, endpoint: Self.lanes.randomElement(using: &generator) ?? 1,
                    attempt: Int16.random(in: 1...5, using: &generator),
                    base: Self.bases.randomElement(using: &generator) ?? 0,
                    event: Int64.random(in: 0...12, using: &generator)))
        }
    }

    func build() -> DeliveryBuilder.Built {
        DeliveryBuilder(leaseSlack: .seconds(15)).build(
            deliveries, events: events, endpoints: endpoints, claimRequestedAt: now, now: now, wallClock: 1_000_000)
    }
}
