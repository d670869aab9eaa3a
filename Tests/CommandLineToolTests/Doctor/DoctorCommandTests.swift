import TestSupport
import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct DoctorCommandTests {
    private func levels(_ outcome: Outcome) throws -> [String: String] {
        try Dictionary(
            outcome.objects("findings").map { ($0["check"] as? String ?? "", $0["level"] as? String ?? "") },
            uniquingKeysWith: { first, _ in first })
    }

    @Test func soundInstallationHasNoFailures() async throws {
        try await Installation.with { (installation) async throws in
            let examined = await installation.run("doctor", "--json")
            #expect(examined.status == .done, "\(examined.output)\(examined.error)")
            #expect(try examined.json()["ok"] as? Bool == true)
            let levels = try levels(examined)
            for check in [
                "configuration", "postgresql", "writable", "clocks", "schema", "role postrider_operator",
                "role postrider_producer", "role postrider_registrar", "role postrider_worker", "login", "triggers",
                "role postrider_receiver", "role postrider_api", "role postrider_consumer", "role postrider_transform",
                "partitions received", "partitions inbox_ends", "default partition received",
                "default partition inbox_ends",
                "partitions outbox",
                "partitions attempts", "default partition outbox", "default partition attempts", "vacuum",
                "unaccounted", "rows", "webhook ids", "sequences", "events",
                "endpoints", "isolation", "transport", "search path", "pooler", "tls roots", "backlog", "hosts",
                "insert", "secrets",
            ] {
                #expect(levels[check] == "ok", "\(check)")
            }
            let human = await installation.run("doctor")
            #expect(human.output.contains("ok       triggers: all 3 are enabled\n"))
            #expect(human.output.contains("ok       insert: an event was inserted and rolled back\n"))
            #expect(human.output.contains("ok       secrets: those of 0 endpoints can be opened\n"))
            #expect(human.output.contains("0 failures, "))
            #expect(try await installation.sql("SELECT count(*) FROM postrider.outbox") == "0")
        }
    }

    @Test func whatIsBrokenIsFound() async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/")
            try await installation.sql("UPDATE postrider.subscriptions SET effective_at = now() - interval '1 h'")
            try await installation.sql("ALTER TABLE postrider.outbox DISABLE TRIGGER outbox_3_fan_out")
            try await installation.sql("INSERT INTO postrider.outbox (event_type, payload) VALUES ('a.b', '{}')")
            try await installation.sql(
                "INSERT INTO postrider.outbox (event_type, payload, created_at) VALUES ('a.b', '{}', now() + interval '1 year')"
            )
            try await installation.sql(
                """
                DO $$ DECLARE v_table text; BEGIN
                    SELECT format('postrider.attempts_p%s', to_char((now() AT TIME ZONE 'UTC')::date, 'YYYYMMDD')) INTO v_table;
                    EXECUTE 'DROP TABLE ' || v_table;
                END $$
                """)
            try await installation.sql(
                "REVOKE EXECUTE ON FUNCTION postrider.look(pg_snapshot, int) FROM postrider_worker")
            let examined = await installation.run("doctor", "--json", environment: ["POSTRIDER_ALLOW_HTTP": "false"])
            #expect(examined.status == .failure)
            let levels = try levels(examined)
            #expect(levels["triggers"] == "failure")
            #expect(levels["unaccounted"] == "failure")
            #expect(levels["partitions attempts"] == "failure")
            #expect(levels["default partition outbox"] == "warning")
            #expect(levels["role postrider_worker"] == "failure")
            #expect(levels["endpoints"] == "failure")
            #expect(examined.error.isEmpty)
            let human = await installation.run("doctor")
            #expect(human.output.contains("→ ALTER TABLE postrider.outbox ENABLE TRIGGER outbox_3_fan_out;"))
        }
    }

    @Test func schemasInWhichStrangersMayCreate() async throws {
        try await Installation.with { (installation) async throws in
            try await installation.sql("GRANT CREATE ON SCHEMA public TO PUBLIC, postrider_worker")
            #expect(try levels(await installation.run("doctor", "--json"))["search path"] == "warning")
            let remedy = "REVOKE CREATE ON SCHEMA public FROM postrider_worker, PUBLIC;"
            #expect(await installation.run("doctor", width: 400).output.contains("→ \(remedy)\n"))
            try await installation.sql(remedy)
            #expect(try levels(await installation.run("doctor", "--json"))["search path"] == "ok")
        }
    }

    @Test func logAsAnyRoleHelps() async throws {
        try await Installation.with { (installation) async throws in
            let login = "\(installation.database.name)_doctor"
            try await installation.sql("CREATE ROLE \(login) LOGIN")
            let environment = [
                "POSTRIDER_DATABASE_URL": installation.database.tcpURL.replacing("postgres@", with: "\(login)@")
            ]
            let stranger = await installation.run("doctor", environment: environment)
            #expect(stranger.status == .failure)
            #expect(stranger.output.contains("GRANT postrider_operator TO \(login);"))
            try await installation.sql("GRANT postrider_worker TO \(login)")
            let worker = await installation.run("doctor", "--json", environment: environment)
            #expect(worker.status == .done, "\(worker.output)")
            #expect(try levels(worker)["unaccounted"] == "warning")
            #expect(try levels(worker)["rows"] == "warning")
            try await installation.sql("REVOKE postrider_worker FROM \(login)")
            try await installation.sql("GRANT postrider_operator TO \(login)")
            let operating = await installation.run("doctor", "--json", environment: environment)
            #expect(operating.status == .done)
            #expect(try levels(operating)["unaccounted"] == "ok")
            #expect(try levels(operating)["rows"] == "ok")
            try await installation.sql("DROP ROLE \(login)")
        }
    }

    /// The event that it inserts and takes back uses no number up.
    @Test func leavesTheNumbersOfEventsAlone() async throws {
        try await Installation.with { (installation) async throws in
            let next = "SELECT nextval(pg_get_serial_sequence('postrider.outbox', 'id'))"
            let first = try await installation.sql(next)
            #expect(try levels(await installation.run("doctor", "--offline", "--json"))["insert"] == "ok")
            #expect(try await installation.sql(next).flatMap { Int($0) } == first.flatMap { Int($0) }.map { $0 + 1 })
        }
    }

    @Test func databaseThatCannotBeReachedIsAFindingToo() async throws {
        try await Installation.with { (installation) async throws in
            let gone = await installation.run(
                "doctor", "--json", environment: ["POSTRIDER_DATABASE_URL": "postgresql://x@127.0.0.1:1/none"])
            #expect(gone.status == .databaseUnavailable)
            let found = try levels(gone)
            #expect(found == ["database": "failure"])
            #expect(gone.error.hasPrefix("postrider: "))
        }
    }

    @Test func missingSchemaIsFound() async throws {
        try await Installation.with { (installation) async throws in
            try await installation.sql("DROP SCHEMA postrider CASCADE")
            let examined = await installation.run("doctor")
            #expect(examined.status == .failure)
            #expect(examined.output.contains("→ postrider migrate\n"))
        }
    }
}
