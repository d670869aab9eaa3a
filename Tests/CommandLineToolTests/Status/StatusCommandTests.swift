import TestSupport
import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct StatusCommandTests {
    @Test func figuresAreTheSameInBothForms() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/")
            for _ in 0..<3 { _ = await installation.run("event", "publish", "a.b") }
            try await installation.sql(
                "INSERT INTO postrider.workers (name, version, in_flight) VALUES ($1, '0.1.0', 2)", Hostile.text)
            let status = try await installation.run("status", "--json").json()
            #expect(status["ok"] as? Bool == true)
            #expect(status["verdict"] as? String == "All is well.")
            #expect(status["pending"] as? Int == 3)
            #expect(status["in_flight"] as? Int == 0)
            #expect(status["retrying"] as? Int == 0)
            #expect(status["held"] as? Int == 0)
            #expect(status["dead_letters"] as? Int == 0)
            #expect(status["events"] as? Int == 3)
            #expect(status["events_last_hour"] as? Int == 3)
            #expect(status["counts_capped"] as? Bool == false)
            #expect((status["schema_version"] as? Int ?? 0) >= 7)
            #expect(status["workers_alive"] as? Int == 1)
            #expect((status["oldest_due_age_seconds"] as? Double ?? -1) >= 0)
            #expect((status["endpoints"] as? [[String: Any]])?.first?["endpoint"] as? String == "a")
            #expect((status["workers"] as? [[String: Any]])?.first?["in_flight"] as? Int == 2)
            let human = await installation.run("status", width: 120)
            #expect(human.status == .done)
            #expect(human.output.hasPrefix("All is well.\n\n"))
            #expect(human.output.contains("WORKER"))
            #expect(human.isHarmless)
            #expect(human.error.isEmpty)
        }
    }

    @Test func countingStopsEarly() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/")
            try await installation.sql(
                "INSERT INTO postrider.outbox (event_type, payload) SELECT 'a.b', '{}' FROM generate_series(1, 100100)")
            let status = try await installation.run("status", "--json").json()
            #expect(status["counts_capped"] as? Bool == true)
            #expect(status["events_capped"] as? Bool == true)
            #expect(status["events"] as? Int == 100_000)
            #expect(status["pending"] as? Int == 100_000)
            #expect(await installation.run("status").output.contains("100000+"))
        }
    }

    @Test func failuresOfTheDatabaseHaveTheirStatus() async throws {
        try await Installation.with { (installation) async throws in
            let cases: [(String, CommandStatus, String)] = [
                ("postgresql://postgres@127.0.0.1:1/none", .databaseUnavailable, "POSTRIDER_DATABASE_URL"),
                (
                    installation.database.url.replacing(installation.database.name, with: "no_such_database"),
                    .databaseUnavailable, "Create the database"
                ),
                ("no equals sign", .configuration, "malformed"),
                ("postgresql://a:p@ss@h/db", .configuration, "%40"),
                ("host=127.0.0.1 port=99999", .configuration, "port"),
            ]
            for (url, status, words) in cases {
                let ended = await installation.run("status", environment: ["POSTRIDER_DATABASE_URL": url])
                #expect(ended.status == status, "\(url) \(ended.error)")
                #expect(ended.error.contains(words), "\(ended.error)")
                #expect(ended.error.split(separator: "\n").count == 1)
                #expect(ended.output.isEmpty)
            }
        }
    }

    @Test func missingSchemaAndRightsSayWhatToDo() async throws {
        try await Installation.with { (installation) async throws in
            let login = "\(installation.database.name)_login"
            try await installation.sql("CREATE ROLE \(login) LOGIN")
            let environment = [
                "POSTRIDER_DATABASE_URL": installation.database.tcpURL.replacing("postgres@", with: "\(login)@")
            ]
            let refused = await installation.run("status", environment: environment)
            #expect(refused.status == .configuration, "\(refused.error)")
            #expect(refused.error.contains("postrider_operator"))
            try await installation.sql("GRANT postrider_operator TO \(login)")
            for command in [["status"], ["endpoint", "list"], ["event", "list"], ["dead-letter", "replay", "--all"]] {
                let allowed = await installation.run(command, environment: environment)
                #expect(allowed.status == .done, "\(command) \(allowed.error)")
            }
            try await installation.sql("DROP OWNED BY \(login)")
            try await installation.sql("DROP ROLE \(login)")
            try await installation.sql("DROP SCHEMA postrider CASCADE")
            let missing = await installation.run("status")
            #expect(missing.status == .configuration)
            #expect(missing.error.contains("postrider migrate"))
        }
    }
}
