import Foundation
import LocalPostgres
import Postgres
import TestSupport
import Testing

@testable import CommandLineTool
@testable import OutboxStore

/// A sound installation in which one thing is broken: doctor finds that, and nothing else.
@Suite(.timeLimit(.minutes(2))) struct OneFaultTests {
    /// The checks that failed.
    private func failures(
        _ installation: Installation, _ arguments: String..., environment: [String: String] = [:], ahead: Double = 0
    ) async throws -> [String] {
        let examined = await installation.run(
            ["doctor", "--json"] + arguments, environment: environment, ahead: ahead)
        let failed = try examined.objects("findings").filter { $0["level"] as? String == "failure" }
        #expect(examined.status == (failed.isEmpty ? .done : .failure), "\(examined.error)")
        #expect(failed.allSatisfy { ($0["remedy"] as? String)?.isEmpty == false })
        return failed.compactMap { $0["check"] as? String }
    }

    /// Breaks, looks, mends with a remedy of doctor's own where it is a statement, and looks again.
    private func breaking(_ sql: String, mending: String? = nil) async throws -> [String] {
        var found: [String] = []
        try await Installation.with { (installation) async throws in
            #expect(try await failures(installation).isEmpty)
            try await installation.sql(sql)
            found = try await failures(installation)
            guard let mending else { return }
            let told = await installation.run("doctor", width: 400)
            #expect(told.output.contains("→ \(mending)\n"), "\(told.output)")
            try await installation.sql(mending)
            #expect(try await failures(installation).isEmpty)
        }
        return found
    }

    @Test func triggerDisabled() async throws {
        let found = try await breaking(
            "ALTER TABLE postrider.outbox DISABLE TRIGGER outbox_1_reject",
            mending: "ALTER TABLE postrider.outbox ENABLE TRIGGER outbox_1_reject;")
        #expect(found == ["triggers"])
    }

    @Test func partitionMissing() async throws {
        let found = try await breaking(
            """
            DO $$ BEGIN
                EXECUTE format('DROP TABLE postrider.outbox_p%s', to_char((now() AT TIME ZONE 'UTC')::date, 'YYYYMMDD'));
            END $$
            """)
        #expect(found == ["partitions outbox"])
    }

    @Test func producersThatCannotInsert() async throws {
        let found = try await breaking("ALTER TABLE postrider.outbox ADD CONSTRAINT none_fits CHECK (false) NOT VALID")
        #expect(found == ["insert"])
    }

    @Test func secretThatNoKeyOpens() async throws {
        let found = try await breaking(
            """
            DO $$ BEGIN
                PERFORM postrider.register_endpoint('a', 'https://example.com/');
                UPDATE postrider.endpoint_secrets SET secret = 'sealed:v1:lost:AAAA';
            END $$
            """)
        #expect(found.contains("secrets"))
    }

    @Test func secretOfASourceThatNoKeyOpens() async throws {
        let found = try await breaking(
            """
            DO $$ BEGIN
                PERFORM postrider.add_source('shop', 'github');
                UPDATE postrider.source_secrets SET secret = 'sealed:v1:lost:AAAA';
            END $$
            """)
        #expect(found == ["secrets"])
    }

    @Test func transformsThatRunAsTheOwner() async throws {
        let mending =
            "ALTER FUNCTION postrider.run_transform(text, jsonb) OWNER TO postrider_transform;  -- as a superuser"
        let found = try await breaking(
            "ALTER FUNCTION postrider.run_transform(text, jsonb) OWNER TO CURRENT_USER", mending: mending)
        #expect(found == ["role postrider_transform"])
    }

    @Test func dutyThatFails() async throws {
        let found = try await breaking("UPDATE postrider.duties SET failures = 3 WHERE duty = 'retention'")
        #expect(found == ["duties"])
    }

    @Test func publicationWithoutIdentity() async throws {
        let found = try await breaking(
            """
            DO $$ BEGIN
                ALTER TABLE postrider.closed REPLICA IDENTITY DEFAULT; CREATE PUBLICATION everything FOR ALL TABLES;
            END $$
            """, mending: "ALTER TABLE postrider.closed REPLICA IDENTITY FULL;")
        #expect(found == ["publications"])
    }

    @Test func grantRevoked() async throws {
        let found = try await breaking(
            "REVOKE SELECT ON postrider.endpoint_health FROM postrider_operator",
            mending: "GRANT SELECT ON postrider.endpoint_health TO postrider_operator;")
        #expect(found == ["role postrider_operator"])
    }

    @Test func oldSchema() async throws {
        let found = try await breaking(
            "DELETE FROM postrider.schema_migrations WHERE version = \(Migration.newest)")
        #expect(found == ["schema"])
    }

    @Test(arguments: [
        ("TRUNCATE postrider.settings", "rows"), ("TRUNCATE postrider.duties", "rows"),
        ("DELETE FROM postrider.duties WHERE duty = 'keys'", "rows"),
        ("UPDATE postrider.settings SET installation = '0123abcd'", "webhook ids"),
    ])
    func rowsThatMigratePutsBack(change: String, check: String) async throws {
        try await Installation.with { (installation) async throws in
            try await installation.sql(change)
            #expect(try await failures(installation) == [check])
            let migrated = await installation.run("migrate")
            #expect(migrated.status == .done && migrated.output.contains("put back: "), "\(migrated.output)")
            #expect(try await failures(installation).isEmpty)
            #expect(await installation.run("migrate").output.contains("there is nothing to do"))
        }
    }

    @Test func schemaWithoutItsVersions() async throws {
        try await Installation.with { (installation) async throws in
            try await installation.sql(
                "TRUNCATE postrider.schema_migrations, postrider.settings, postrider.duties")
            #expect(try await failures(installation) == ["schema"])
            let migrated = await installation.run("migrate")
            #expect(migrated.status == .configuration)
            #expect(migrated.error.contains("no record of its version"), "\(migrated.error)")
            #expect(migrated.error.split(separator: "\n").count == 1)
        }
    }

    @Test func sequenceSetBack() async throws {
        let found = try await breaking(
            """
            DO $$ BEGIN
                INSERT INTO postrider.outbox (event_type, payload) SELECT 'a.b', '1' FROM generate_series(1, 3);
                ALTER SEQUENCE postrider.outbox_id_seq RESTART;
            END $$
            """,
            mending:
                "SELECT setval('postrider.outbox_id_seq', (SELECT max(id) FROM postrider.outbox));  -- as the schema's owner"
        )
        #expect(found == ["sequences"])
    }

    @Test func eventsThatTheOutboxLacks() async throws {
        let found = try await breaking(
            """
            DO $$ BEGIN
                INSERT INTO postrider.outbox (event_type, payload, idempotency_key) VALUES ('a.b', '1', 'k');
                DELETE FROM postrider.outbox;
            END $$
            """)
        #expect(found == ["events"])
    }

    @Test func isolation() async throws {
        try await Installation.with { (installation) async throws in
            let name = installation.database.name
            try await installation.sql("ALTER DATABASE \(name) SET default_transaction_isolation = 'serializable'")
            // Workers do without.
            #expect(try await failures(installation).isEmpty)
            let told = await installation.run("doctor", width: 400)
            #expect(told.output.contains("warning  isolation: serializable is this login's default"), "\(told.output)")
        }
    }

    @Test func clockTwoMinutesOff() async throws {
        try await Installation.with { (installation) async throws in
            #expect(try await failures(installation, ahead: 120) == ["clocks"])
            #expect(try await failures(installation, ahead: -120) == ["clocks"])
        }
    }

    @Test func transactionOpenForLong() async throws {
        try await Installation.with { (installation) async throws in
            let other = try await installation.database.connect()
            let deadline = TestDatabase.deadline
            try await other.withTransaction(deadline: deadline) { transaction in
                _ = try await transaction.run(ServerChecks.backend, deadline: deadline)
                #expect(try await failures(installation, "--oldest-transaction", "0s") == ["transactions"])
                // Open for less than the setting allows.
                #expect(try await failures(installation).isEmpty)
            }
            await other.close()
        }
    }

    @Test func wrongURL() async throws {
        try await Installation.with { (installation) async throws in
            let added = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/")
            #expect(added.status == .done, "\(added.error)")
            #expect(try await failures(installation).isEmpty)
            #expect(try await failures(installation, environment: ["POSTRIDER_ALLOW_HTTP": "false"]) == ["endpoints"])
            try await installation.sql("UPDATE postrider.endpoint_urls SET url = 'https://no-such-host.invalid/'")
            #expect(try await failures(installation) == ["hosts"])
            #expect(try await failures(installation, "--offline").isEmpty)
        }
    }

    @Test(arguments: [
        "UPDATE postrider.endpoints SET headers = '{{X-A: 1,X-B: 2}}'",
        "UPDATE postrider.endpoints SET headers = ARRAY[NULL]",
        "UPDATE postrider.endpoints SET retry_schedule = '{1 mon}'",
        "UPDATE postrider.endpoints SET retry_schedule = '{{5 s},{9 s}}'",
    ])
    func endpointThatCannotBeRead(sql: String) async throws {
        try await Installation.with { (installation) async throws in
            for name in ["a", "b"] {
                let added = await installation.run("endpoint", "add", name, "http://127.0.0.1:8099/")
                #expect(added.status == .done, "\(added.error)")
            }
            #expect(try await failures(installation, "--offline").isEmpty)
            try await installation.sql(
                "ALTER TABLE postrider.endpoints DROP CONSTRAINT endpoints_retry_schedule_check")
            try await installation.sql(sql + " WHERE name = 'b'")
            #expect(try await failures(installation, "--offline") == ["endpoints"])
        }
    }

    @Test func whatAWorkerTells() async throws {
        let worker = """
            INSERT INTO postrider.workers (name, version, held_back, held_back_why, failing, failures, failing_since)
            VALUES ('host:1', 'x', %1, 'endpoint a: no key', %2, 9, clock_timestamp() - interval '1 min')
            """
        for (held, failing, check) in [("0", "'claim'", "work"), ("3", "NULL", "held back")] {
            let sql = worker.replacing("%1", with: held).replacing("%2", with: failing)
            #expect(try await breaking(sql) == [check])
        }
    }

    @Test func standby() async throws {
        try await TestDatabase.withCluster { cluster in
            let environment = ["POSTRIDER_DATABASE_URL": cluster.url()]
            let recording = Recording()
            let context = recording.context(environment: environment, now: { Date().timeIntervalSince1970 })
            #expect(await CommandLineTool.run(["migrate"], in: context) == .done)
            try await cluster.stop(.fast)
            try await cluster.run(["touch", "\(cluster.dataDirectory)/standby.signal"])
            try await cluster.start()
            let examined = Recording()
            let status = await CommandLineTool.run(
                ["doctor"], in: examined.context(environment: environment, now: { Date().timeIntervalSince1970 }))
            #expect(status == .failure)
            #expect(examined.output.contains("writable: this is a standby"), "\(examined.output)\(examined.error)")
        }
    }

    @Test(.enabled(if: TestPooler.isInstalled, "pgbouncer is missing")) func pooler() async throws {
        try await TestDatabase.withCluster { cluster in
            let pooler = try await TestPooler.start(for: cluster, poolSize: 4)
            let environment = ["POSTRIDER_DATABASE_URL": pooler.url(database: "postgres")]
            let recording = Recording()
            _ = await CommandLineTool.run(
                ["doctor"], in: recording.context(environment: environment, now: { Date().timeIntervalSince1970 }))
            #expect(recording.output.contains("pooler: one that shares server processes between transactions"))
        }
    }
}
