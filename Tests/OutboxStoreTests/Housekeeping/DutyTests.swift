import Outbox
import OutboxStore
import Postgres
import TestSupport
import Testing

@Suite("A duty", .timeLimit(.minutes(3)))
struct DutyTests {
    @Test("is done by one, and again when its time has come")
    func oneAtATime() async throws {
        try await TestOutbox.withOutbox { outbox in
            let take = "SELECT postrider.take_duty('leases')"
            let taken = try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        let connection = try await outbox.connect()
                        let taken = try await connection.query(take, deadline: .seconds(10)).first
                        await connection.close()
                        return taken
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(taken.count { $0 == "t" } == 1)
            #expect(try await outbox.query(take).first == "f")
            try await outbox.script("UPDATE postrider.duties SET last_at = now() - interval '16 s'")
            #expect(try await outbox.query(take).first == "t")
        }
    }

    @Test("of forgetting workers spares those heard of today")
    func workers() async throws {
        try await TestOutbox.withOutbox { outbox in
            let connection = outbox.connection
            var ids: [Int32] = []
            for name in ["a", "b", "c"] {
                ids += try await connection.run(Workers.register(name: name, version: "1"), deadline: .seconds(5))
            }
            try await connection.execute(
                Workers.beat(ids[0], WorkerPulse(inFlight: 3, isDraining: true)), deadline: .seconds(5))
            try await outbox.script(
                "UPDATE postrider.workers SET seen_at = now() - interval '25 hours' WHERE name = 'b'")
            #expect(try await connection.run(Duties.keepWorkers, deadline: .seconds(5)) == [1])
            try await connection.execute(Workers.forget(ids[2]), deadline: .seconds(5))
            let left = try await outbox.query("SELECT name, in_flight, draining, alive FROM postrider.worker_list").rows
            #expect(left == [["a", "3", "t", "t"]])
        }
    }

    @Test("of vacuuming is done where there is something to do")
    func vacuum() async throws {
        try await TestOutbox.withOutbox { outbox in
            let connection = outbox.connection
            #expect(try await connection.run(Duties.takeVacuum(deadRows: 1_000_000), deadline: .seconds(5)) == [false])
            #expect(try await connection.run(Duties.takeVacuum(deadRows: -1), deadline: .seconds(5)) == [true])
            #expect(try await connection.run(Duties.takeVacuum(deadRows: -1), deadline: .seconds(5)) == [false])
            try await connection.execute(Duties.vacuum, deadline: .seconds(20))
        }
    }

    @Test("of measuring tells the state of the server")
    func state() async throws {
        try await TestOutbox.withOutbox { outbox in
            let state = try #require(try await outbox.connection.run(Status.database, deadline: .seconds(5)).first)
            #expect(!state.isReadOnly && state.schemaVersion == Migration.newest)
        }
    }
}
