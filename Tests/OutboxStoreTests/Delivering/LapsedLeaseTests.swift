import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

/// Leases that have ended: who may take them over, and when.
@Suite("A lease that has ended", .timeLimit(.minutes(3)))
struct LapsedLeaseTests {
    @Test("is left to its owner where the claim says so, and looked at again soon", arguments: [nil, 10] as [Int?])
    func leftToItsOwner(limit: Int?) async throws {
        try await TestOutbox.withOutbox { outbox in
            let lane = try await outbox.registerEndpoint(maxInFlight: limit)
            for _ in 0..<3 { try await outbox.publish() }
            let owner = outbox.ownWorker(1)
            let held = try await owner.claim()
            try await outbox.lapseLeases()
            for worker: Int32 in [1, 2] {
                let claim = try await outbox.ownWorker(worker).claimReporting([lane], lapsed: .negativeInfinity)
                #expect(claim.deliveries.isEmpty)
                let report = try #require(claim.reports[lane])
                #expect(report.state == .empty)
                let now = try await outbox.number("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
                #expect((0...250_000).contains(try #require(report.nextAt.unixMicroseconds) - now))
            }
            // New events go on.
            try await outbox.publish()
            #expect(try await outbox.ownWorker(2).claim(lapsed: .negativeInfinity).map(\.event) == [4])
            #expect(try await owner.settle(held, .delivered) == [])
            #expect(
                try await outbox.statuses().prefix(3) == [
                    "1 shop delivered 1", "2 shop delivered 1", "3 shop delivered 1",
                ])
        }
    }

    @Test("is taken over by a worker that is not told to leave it")
    func takenOver() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            for _ in 0..<3 { try await outbox.publish() }
            _ = try await outbox.ownWorker(1).claim()
            try await outbox.lapseLeases()
            #expect(try await outbox.ownWorker(2).claim().map(\.attempt) == [2, 2, 2])
        }
    }

    @Test("and any other that a worker has can be read back by it, of the lanes that it names")
    func readBack() async throws {
        try await TestOutbox.withOutbox { outbox in
            let lanes = [
                try await outbox.registerEndpoint("a"), try await outbox.registerEndpoint("b", maxInFlight: 5),
            ]
            try await outbox.publish(count: 4, keys: 2)
            let worker = TestWorker(id: 1, connection: try await outbox.connect(in: "postrider_worker"))
            let lost = try await worker.claim(lanes)
            try await outbox.publish(count: 10)
            _ = try await outbox.ownWorker(2).claim(room: 3)
            let start = Dictionary(uniqueKeysWithValues: lanes.map { ($0, PostgresTimestamp.negativeInfinity) })
            let found = try await worker.connection.run(ReadLeases(of: 1, in: start), deadline: .seconds(5))
            #expect(found.map(\.id).sorted() == lost.map(\.id).sorted() && !found.isEmpty)
            #expect(Set(found.map(\.attempt)) == [1] && Set(found.map(\.leaseUntil)) == Set(lost.map(\.leaseUntil)))
            let one = try await worker.connection.run(
                ReadLeases(of: 1, in: [lanes[0]: .negativeInfinity]), deadline: .seconds(5))
            #expect(Set(one.map(\.endpoint)) == [lanes[0]])
            #expect(try await worker.settle(found, .released) == [])
            await worker.connection.close()
            #expect(try await outbox.number("SELECT count(*) FROM postrider.deliveries WHERE lease_by = 1") == 0)
            #expect(try await outbox.discrepancies() == [])
        }
    }
}
