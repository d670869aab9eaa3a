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
            let take = "SELECT postrider.take_duty('keys')"
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
            // It is done by whom has taken it, and not while that lasts.
            let second = try await outbox.connect()
            try await outbox.renewDuty("keys")
            try await outbox.connection.withTransaction(deadline: .seconds(5)) { transaction in
                _ = try await transaction.query("SELECT postrider.keep_keys()", deadline: .seconds(5))
                #expect(try await second.query(take, deadline: .seconds(5)).first == "f")
            }
            #expect(try await second.query(take, deadline: .seconds(5)).first == "f")
            try await outbox.script("UPDATE postrider.duties SET last_at = now() - interval '61 s'")
            #expect(try await second.query(take, deadline: .seconds(5)).first == "t")
            // A clock that was set back does not keep it from being done.
            try await outbox.script("UPDATE postrider.duties SET last_at = now() + interval '1 h'")
            #expect(try await second.query(take, deadline: .seconds(5)).first == "t")
            await second.close()
        }
    }

    @Test("that fails stays marked, and is tried again after growing pauses: 11 times in the first hour")
    func backsOff() async throws {
        try await TestOutbox.withOutbox { outbox in
            let pause = """
                SELECT extract(epoch FROM postrider.duty_rest(d.every, d.failures))::int FROM postrider.duties d
                WHERE d.duty = 'retention'
                """
            var pauses: [Int64] = []
            for _ in 0..<11 {
                try await outbox.renewDuty("retention")
                // However it ends: it does not say that it was done.
                try await outbox.query("SELECT postrider.take_duty('retention')")
                pauses.append(try await outbox.number(pause))
            }
            #expect(pauses == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900])
            #expect(pauses.prefix(10).reduce(0, +) <= 3600 && pauses.reduce(0, +) > 3600)
            try await outbox.query("SELECT postrider.note_duty_error('retention', repeat('x', 900))")
            func told() async throws -> DutyOverview? {
                try await outbox.connection.run(Duties.overview, deadline: .seconds(5)).first { $0.name == "retention" }
            }
            let failing = try #require(try await told())
            #expect(failing.failures == 11 && failing.lastError?.utf8.count == 500 && failing.isFailing)
            #expect(failing.waiting == nil && !failing.isNeglected)

            try await outbox.query("SELECT postrider.keep_retention()")
            let well = try #require(try await told())
            #expect(well.failures == 0 && well.lastError == nil && well.doneAgo < failing.doneAgo + .seconds(5))
            #expect(try await outbox.number(pause) == 3600)
        }
    }

    @Test("that is not done while workers are alive is neglected, from the start of the oldest of them on")
    func neglected() async throws {
        try await TestOutbox.withOutbox { outbox in
            let neglected = { () async throws in
                try await outbox.connection.run(Duties.overview, deadline: .seconds(5)).filter(\.isNeglected).map(
                    \.name)
            }
            try await outbox.script("UPDATE postrider.duties SET last_success = now() - interval '200 min'")
            #expect(try await neglected() == [])
            _ = try await outbox.connection.run(Workers.register(name: "w", version: "1"), deadline: .seconds(5))
            #expect(try await neglected() == [])
            try await outbox.script("UPDATE postrider.workers SET started_at = now() - interval '190 min'")
            #expect(
                try await neglected()
                    == Duty.allCases.map(\.rawValue).filter { $0 != "repair_all" && $0 != "strays" }.sorted())
        }
    }

    @Test("brings a time limit of its own, and not that of the login")
    func ownLimit() async throws {
        try await TestOutbox.withOutbox { outbox in
            try await outbox.registerEndpoint()
            try await outbox.query("SET session_replication_role = replica")
            try await outbox.publish(count: 12_000)
            let worker = try await outbox.connect(in: "postrider_worker")
            _ = try await worker.query("SET statement_timeout = '20 ms'", deadline: .seconds(5))
            let error = await worker.refusal(of: "SELECT postrider.keep_all_repaired()")
            #expect(error?.sqlState?.rawValue == "57014")
            let made = try await worker.execute(
                script: Duties.script(.repairAll, limit: .seconds(9)), deadline: .seconds(10))
            #expect(made.first == "10000")
            await worker.close()
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
            try await connection.execute(Workers.beat(ids[0], inFlight: 3, draining: true), deadline: .seconds(5))
            try await outbox.script(
                "UPDATE postrider.workers SET seen_at = now() - interval '25 hours' WHERE name = 'b'")
            #expect(try await outbox.number("SELECT postrider.keep_workers()") == 1)
            try await connection.execute(Workers.forget(ids[2]), deadline: .seconds(5))
            let left = try await outbox.query("SELECT name, in_flight, draining, alive FROM postrider.worker_list").rows
            #expect(left == [["a", "3", "t", "t"]])
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
