import LocalPostgres
import Postgres
import TestSupport
import Testing

extension EndToEndTests {
    /// Rows that the owner put there although a rule forbids them: each harms itself alone, under a code that says what is wrong.
    @Suite(.timeLimit(.minutes(1))) struct StoredAllTheSameTests {
        /// What is done to the endpoint of this name, and what becomes of its deliveries.
        private static let endpoints = [
            (
                "headers_2d", "UPDATE postrider.endpoints SET headers = '{{X-A: 1,X-B: 2}}' WHERE name = $1",
                "invalid_endpoint"
            ),
            ("headers_empty", "UPDATE postrider.endpoints SET headers = '{X-A:}' WHERE name = $1", "invalid_headers"),
            ("months", "UPDATE postrider.endpoints SET retry_schedule = '{1 mon}' WHERE name = $1", "invalid_endpoint"),
            ("format", "UPDATE postrider.endpoints SET payload_format = 'xml' WHERE name = $1", "invalid_endpoint"),
            ("no_url", "UPDATE postrider.endpoints SET url_id = -1 WHERE name = $1", "invalid_endpoint"),
            (
                "secret",
                """
                UPDATE postrider.endpoint_secrets SET secret = 'whsec_AAAA'
                WHERE endpoint_id = (SELECT id FROM postrider.endpoints WHERE name = $1)
                """, "secret_unavailable"
            ),
        ]

        @Test func harmsItselfAlone() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                let good = ["good1", "good2", "good3"]
                for name in good + Self.endpoints.map(\.0) + ["rate"] {
                    try await installation.addEndpoint(name, receiver.url("/\(name)"))
                }
                for table in ["endpoints", "lanes", "outbox"] { try await dropChecks(of: table, in: installation) }
                try await installation.value("ALTER TABLE postrider.outbox DISABLE TRIGGER outbox_1_reject")
                let probe = try HealthProbe(installation.executable)
                let worker = try await installation.startWorker(settings: probe.settings)
                for (name, sql, _) in Self.endpoints { try await installation.value(sql, [name]) }
                // A lane whose rate divides by zero cannot be claimed at all.
                try await installation.value(
                    """
                    UPDATE postrider.lanes SET rate_limit = 'NaN'
                    WHERE endpoint_id = (SELECT id FROM postrider.endpoints WHERE name = 'rate')
                    """)
                let began = ContinuousClock.now
                try await installation.publish("some.event", 20)
                try await installation.value(
                    """
                    INSERT INTO postrider.outbox (event_type, payload, headers, endpoint)
                    SELECT 'some.event', '{"n":99}', h.value, 'good1'
                    FROM jsonb_array_elements('[["a"], {"X-Empty": ""}, {"X-Tenant": "7", "x-tenant": "7"}]') AS h (value)
                    """)
                try await eventually("the good ones have everything", within: .seconds(10)) {
                    good.allSatisfy { name in receiver.requests.count { $0.path == "/\(name)" } == 20 }
                }
                print("beside bad rows: \(ContinuousClock.now - began)")
                for (name, _, code) in Self.endpoints {
                    try await eventually("\(name) says \(code)") {
                        try await installation.count(
                            """
                            postrider.event_deliveries
                            WHERE endpoint = '\(name)' AND last_error_code = '\(code)' AND attempts = 1
                            """) == 20
                    }
                }
                try await eventually("the events say what is wrong") {
                    try await codes("good1", in: installation) == ["invalid_event 1", "invalid_headers 2"]
                }
                #expect(Set(receiver.requests.map(\.path)) == Set(good.map { "/\($0)" }))
                #expect(try await installation.count("postrider.deliveries d WHERE d.attempt > 1") == 0)
                try await expectShown(installation, probe)
                try await worker.kill()
            }
        }

        private func dropChecks(of table: String, in installation: Installation) async throws {
            for row in try await installation.rows(
                "SELECT conname FROM pg_constraint WHERE conrelid = ('postrider.' || $1)::regclass AND contype = 'c'",
                [table])
            {
                guard let name = row.first ?? nil else { continue }
                try await installation.value("ALTER TABLE postrider.\(table) DROP CONSTRAINT \(name)")
            }
        }

        private func codes(_ endpoint: String, in installation: Installation) async throws -> [String] {
            try await installation.rows(
                """
                SELECT format('%s %s', last_error_code, count(*)) FROM postrider.dead_letters
                WHERE endpoint = $1 GROUP BY last_error_code ORDER BY 1
                """, [endpoint]
            ).compactMap { $0.first ?? nil }
        }

        /// Doctor, metrics and readiness.
        private func expectShown(_ installation: Installation, _ probe: HealthProbe) async throws {
            #expect(try await probe.get("/readyz").contains("ok"))
            #expect(try await probe.metric("postrider_held_back_endpoints") == 1)
            let written = try await installation.rows(
                """
                SELECT error_code, count(*) FROM postrider.attempt_log WHERE error_code IS NOT NULL GROUP BY error_code
                """)
            #expect(written.count == 4)
            for row in written {
                let metric = "postrider_attempt_failures_total{error_code=\"\(row[0] ?? "")\"}"
                #expect(try await probe.metric(metric) == Double(row[1] ?? ""), "\(row)")
            }
            try await eventually("the worker has told") {
                try await installation.count("postrider.workers WHERE held_back = 1") == 1
            }
            let doctor = try await installation.command("doctor", "--offline")
            #expect(doctor.status == 1)
            for words in ["headers_2d: headers is not an array", "months: retry_schedule counts months", "held back:"] {
                #expect(doctor.output.replacing("\n", with: " ").contains(words), "\(doctor.output)")
            }
        }

        @Test func inADatabaseThatIsNotUTF8OneEventStops() async throws {
            try await TestDatabase.withCluster { cluster in
                try await cluster.run([
                    "psql", "--quiet", "--command",
                    "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'",
                    cluster.url(),
                ])
                let url = cluster.url(database: "ascii")
                try await TemporaryFolder.with { folder in
                    let executable = try Executable(folder: folder)
                    let refused = try await executable.run(["migrate"], settings: Installation.settings(url))
                    #expect(refused.status == 78)
                    #expect(refused.errors.contains("SQL_ASCII") && refused.errors.contains("UTF8"))
                    // By hand, as nothing keeps an operator from doing.
                    let script = try await executable.run(["migrate", "--print-sql"], settings: [:])
                    let connection = try await TestDatabase.connect(
                        to: PostgresConfiguration(url, applicationName: "test"))
                    try await connection.execute(script: script.output, deadline: TestDatabase.deadline)
                    let installation = Installation(url: url, connection: connection, executable: executable)
                    let receiver = try ScriptedReceiver()
                    for name in ["good", "other"] {
                        try await installation.addEndpoint(name, receiver.url("/\(name)"))
                    }
                    let worker = try await installation.startWorker()
                    try await installation.publish("some.event", 5)
                    try await installation.value(
                        """
                        INSERT INTO postrider.outbox (event_type, payload)
                        SELECT 'some.event', ('{"name":"caf' || chr(233) || '"}')::json
                        """)
                    try await installation.publish("some.event", 5, from: 6)
                    try await receiver.waitForRequests(20)
                    try await eventually("the bad event is dead") {
                        try await installation.count(
                            "postrider.dead WHERE reason = 'invalid_event' AND last_error LIKE '%UTF8%'") == 2
                    }
                    let doctor = try await installation.command("doctor", "--offline")
                    #expect(doctor.status == 1 && doctor.output.contains("encoding: "))
                    try await worker.kill()
                    await connection.close()
                }
            }
        }
    }
}
