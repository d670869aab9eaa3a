import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A key that is blocked", .timeLimit(.minutes(4)))
struct BlockedKeyTests {
    @Test("for long, with 5,000 events waiting, holds up no other key and costs next to nothing")
    func holdsUpNobody() async throws {
        try await TestOutbox.withOutbox { outbox in
            let endpoint = try await outbox.registerEndpoint()
            let worker = outbox.ownWorker()
            try await outbox.publish(count: 1, keys: 1)
            try await worker.work(.retry(after: .seconds(3600)))
            try await outbox.publish(count: 5_000, keys: 1)
            for _ in 0..<20 { try await outbox.publish(key: "other") }
            try await outbox.publish(count: 100)
            // Warm: what a session reads once about tables and functions is not what is measured.
            _ = try await worker.claim([endpoint], room: 0)

            // Putting them to sleep takes one claim per 500, each as expensive as the one before.
            var parking: [Int64] = []
            while try await asleep(outbox) < 5_000, parking.count < 20 {
                parking.append(try await Plan.of(claim(endpoint), on: outbox.connection).buffers)
            }
            #expect(parking.count <= 11)
            #expect((parking.dropFirst().max() ?? 0) < 2 * (parking.dropFirst().min() ?? 0), "\(parking)")

            try await outbox.lapseLeases()
            var delivered: [Int64] = []
            while delivered.count < 120 {
                let claimed = try await worker.work(.delivered)
                if claimed.isEmpty { break }
                delivered += claimed.map(\.event)
            }
            #expect(delivered.count == 120)
            #expect(delivered.filter { (5_002...5_021).contains($0) } == Array(5_002...5_021))

            try await outbox.publish(count: 100)
            let plan = try await Plan.of(claim(endpoint), on: outbox.connection)
            // One of them is the report of the lane.
            #expect(plan.rows == 101)
            #expect(plan.buffers < 100 * 15, "\(plan)")
        }
    }

    private func claim(_ endpoint: Int32) -> String {
        "SELECT * FROM postrider.claim(1, '{\(endpoint)}', '{-infinity}', '{500}', 500, 1000000000, '15 s')"
    }

    private func asleep(_ outbox: TestOutbox) async throws -> Int64 {
        try await outbox.number("SELECT count(*) FROM postrider.deliveries WHERE due_at = 'infinity'")
    }
}
