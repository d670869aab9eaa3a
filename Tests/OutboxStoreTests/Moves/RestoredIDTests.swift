import LocalPostgres
import OutboxStore
import Postgres
import TestSupport
import Testing

/// What receivers see of an event: its webhook id and its payload.
private struct Sent: Hashable {
    let webhookID: String
    let payload: String

    static func all(on connection: PostgresConnection) async throws -> Set<Sent> {
        let table = try await connection.query(
            "SELECT postrider.webhook_id(created_at, id), payload FROM postrider.outbox", deadline: TestOutbox.deadline)
        return Set(table.rows.map { Sent(webhookID: $0[0] ?? "", payload: $0[1] ?? "") })
    }

    static func publish(_ what: String, count: Int = 1, on connection: PostgresConnection) async throws {
        for number in 1...count {
            _ = try await connection.query(
                "INSERT INTO postrider.outbox (event_type, payload) VALUES ('order.paid', $1::json)",
                [#"{"\#(what)": \#(number)}"#], deadline: TestOutbox.deadline)
        }
    }
}

@Suite("New events take no id that was sent before", .timeLimit(.minutes(3)))
struct RestoredIDTests {
    /// Whether an id has two contents.
    private func repeated(_ before: Set<Sent>, _ after: Set<Sent>) -> [String] {
        Dictionary(grouping: before.union(after), by: \.webhookID).filter { $1.count > 1 }.map(\.key)
    }

    @Test(
        "when a dump is restored into another database, or into the same after it was dropped",
        arguments: [false, true])
    func dump(isReplaced: Bool) async throws {
        let cluster = try await TestCluster.shared.cluster()
        try await TestOutbox.withOutbox { outbox in
            try await Sent.publish("kept", count: 3, on: outbox.connection)
            let kept = try await Sent.all(on: outbox.connection)
            let name = outbox.database.name
            let target = "\(name)_restored"
            let file = "\(cluster.directory)/\(name).dump"
            let place = ["-h", cluster.directory, "-p", String(cluster.port), "-U", "postgres"]
            try await cluster.run(["pg_dump"] + place + ["-Fc", "-f", file, name])
            try await Sent.publish("lost", count: 40, on: outbox.connection)
            let before = try await Sent.all(on: outbox.connection)

            let source = isReplaced ? target : name
            if isReplaced { try await cluster.run(["createdb"] + place + ["-T", "template0", source]) }
            if isReplaced { try await cluster.run(["dropdb"] + place + [source]) }
            try await cluster.run(["createdb"] + place + ["-T", "template0", target])
            try await cluster.run(["pg_restore"] + place + ["-d", target, file])
            let restored = try await TestDatabase.connect(
                to: PostgresConfiguration(cluster.url(database: target), applicationName: "test"))
            #expect(try await Sent.all(on: restored) == kept)
            try await Sent.publish("new", count: 40, on: restored)
            let after = try await Sent.all(on: restored)
            await restored.close()
            try await cluster.run(["dropdb"] + place + [target])
            #expect(after.count == 43)
            #expect(repeated(before, after) == [])
            #expect(kept.isSubset(of: after))
        }
    }

    @Test("when an asynchronous standby is promoted that lacks more numbers than a sequence logs ahead")
    func promotion() async throws {
        try await TestDatabase.withCluster(.init(isDurable: false)) { primary in
            let first = try await TestDatabase.connect(to: PostgresConfiguration(primary.url()))
            _ = try await Migrator(first).migrate()
            try await Sent.publish("kept", on: first)
            let standby = try await ThrowAwayCluster.start(standbyOf: primary)
            let second = try await TestDatabase.connect(to: PostgresConfiguration(standby.url()))
            func ask(_ sql: String) async throws -> String? {
                try await second.query(sql, deadline: TestOutbox.deadline).first
            }
            // From here on the standby hears nothing more.
            _ = try await ask("ALTER SYSTEM SET primary_conninfo = ''")
            _ = try await ask("SELECT pg_reload_conf()")
            while try await ask("SELECT count(*) FROM pg_stat_wal_receiver") != "0" {}
            let kept = try await Sent.all(on: second)
            try await Sent.publish("lost", count: 80, on: first)
            let before = try await Sent.all(on: first)

            _ = try await ask("SELECT pg_promote()")
            try await Sent.publish("new", count: 80, on: second)
            let after = try await Sent.all(on: second)
            let numbers = { (sent: Set<Sent>) in Set(sent.map { $0.webhookID.split(separator: "_").last ?? "" }) }
            // Otherwise nothing was tried.
            #expect(numbers(before).intersection(numbers(after)).count > 40)
            #expect(kept.count == 1)
            #expect(kept.isSubset(of: after))
            #expect(repeated(before, after) == [])
            await first.close()
            await second.close()
            await standby.remove()
        }
    }
}
