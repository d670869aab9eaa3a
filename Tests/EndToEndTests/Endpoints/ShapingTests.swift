import Glibc
import LocalPostgres
import TestSupport
import Testing

extension EndToEndTests {
    /// Filters, transforms and superseded events, from the producer's insert to the receiver's socket.
    @Suite(.timeLimit(.minutes(2))) struct ShapingTests {
        private static let statuses = """
            SELECT endpoint || ' ' || status || ' ' || count(*) FROM postrider.event_deliveries GROUP BY endpoint, status ORDER BY 1
            """

        private func body(_ request: CapturedRequest) -> String { String(decoding: request.body, as: UTF8.self) }

        private func makeFunctions(_ installation: Installation) async throws {
            try await installation.value("CREATE SCHEMA hooks")
            try await installation.value("GRANT USAGE ON SCHEMA hooks TO postrider_transform")
            try await installation.value(
                """
                CREATE FUNCTION hooks.body(event jsonb) RETURNS json LANGUAGE sql
                    RETURN json_build_object('n', event -> 'data' -> 'n', 'chance', random())
                """)
            try await installation.value(
                """
                CREATE FUNCTION hooks.sleeps(event jsonb) RETURNS json LANGUAGE plpgsql AS
                    'BEGIN PERFORM pg_sleep(3600); RETURN 1; END'
                """)
        }

        @Test func aFilterLetsThroughWhatItIsTrueFor() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint("some", receiver.url("/some"), "--filter", "$.n > 90")
                try await installation.addEndpoint("all", receiver.url("/all"))
                let worker = try await installation.startWorker()
                try await installation.publish("some.event", 100)
                try await eventually("all have ended") {
                    try await installation.rows(Self.statuses).compactMap { $0[0] } == [
                        "all delivered 100", "some delivered 10", "some filtered 90",
                    ]
                }
                #expect(receiver.requests.filter { $0.path == "/some" }.count == 10)
                #expect(try await installation.count("postrider.unaccounted") == 0)
                let shown = try await installation.command("event", "list", "--status", "filtered", "--limit", "1")
                #expect(shown.output.contains("filtered"))
                try await worker.kill()
            }
        }

        /// Each attempt sends what the first one made, though the function would make something else; by a login that has a
        /// worker's rights alone, through a pooler in transaction mode.
        @Test func aTransformIsFrozen() async throws {
            try await TestDatabase.withCluster { cluster in
                let pooler = try await TestPooler.start(for: cluster, poolSize: 8)
                let pooled = pooler.url(database: "postgres")
                try await Installation.with(url: cluster.url(), throughPooler: pooled) { installation in
                    try await makeFunctions(installation)
                    let receiver = try ScriptedReceiver()
                    receiver.answer(next: [.status(500), .status(500)])
                    try await installation.addEndpoint(
                        "main", receiver.url(), "--retry-schedule", "100ms,100ms", "--transform", "hooks.body")
                    let worker = try await installation.startWorker()
                    try await installation.publish("some.event", 1)
                    try await installation.waitForDelivered(1)
                    let bodies = receiver.requests.map(body)
                    #expect(bodies.count == 3 && Set(bodies).count == 1)
                    #expect(bodies.first?.hasPrefix(#"{"n" : 1, "chance" : 0."#) == true)
                    #expect(receiver.requests.first?.header("content-type") == "application/json")
                    worker.send(SIGTERM)
                    #expect(try await worker.status(within: .seconds(20)) == 0)
                }
            }
        }

        /// A function that never ends costs its own endpoint its attempts; the one beside it gets all, and the worker goes on.
        @Test func aTransformThatNeverEndsHarmsItsOwnEndpoint() async throws {
            try await Installation.with { installation in
                try await makeFunctions(installation)
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint(
                    "sleeps", receiver.url("/sleeps"), "--transform", "hooks.sleeps", "--retry-schedule", "1h",
                    "--breaker", "off")
                try await installation.addEndpoint("quick", receiver.url("/quick"), "--transform", "hooks.body")
                try await installation.addEndpoint("plain", receiver.url("/plain"))
                let worker = try await installation.startWorker()
                try await installation.publish("some.event", 3)
                try await eventually("all have been tried") {
                    try await installation.rows(Self.statuses).compactMap { $0[0] } == [
                        "plain delivered 3", "quick delivered 3", "sleeps retrying 3",
                    ]
                }
                let attempts =
                    "SELECT DISTINCT error_code || ': ' || error FROM postrider.attempt_log WHERE error IS NOT NULL"
                #expect(try await installation.rows(attempts) == [["transform_error: it took longer than a second"]])
                #expect(receiver.requests.filter { $0.path == "/sleeps" }.isEmpty)
                try await worker.kill()
            }
        }

        @Test func ofAKeyThatIsCoalescedTheNewestGoes() async throws {
            try await Installation.with { installation in
                let receiver = try ScriptedReceiver()
                try await installation.addEndpoint("main", receiver.url(), "--coalesce")
                #expect(try await installation.command("endpoint", "pause", "main").status == 0)
                for n in 1...20 {
                    try await installation.value(
                        "SELECT postrider.publish('a.b', '{\"n\": \(n)}', ordering_key => 'k\(n % 2)')")
                }
                let worker = try await installation.startWorker()
                #expect(try await installation.command("endpoint", "resume", "main").status == 0)
                try await eventually("all have ended") {
                    try await installation.rows(Self.statuses).compactMap { $0[0] } == [
                        "main delivered 2", "main superseded 18",
                    ]
                }
                let numbers = receiver.requests.map(body).sorted().map {
                    $0.contains(#"{"n": 19}"#) || $0.contains(#"{"n": 20}"#)
                }
                #expect(numbers == [true, true])
                #expect(try await installation.count("postrider.unaccounted") == 0)
                try await worker.kill()
            }
        }
    }
}
