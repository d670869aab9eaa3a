import Foundation
import TestSupport
import Testing

extension EndToEndTests {
    /// Callbacks that come, that are asked for, and that never come.
    @Suite(.timeLimit(.minutes(2))) struct ExpectationTests {
        private static func begin(_ installation: Installation) async throws {
            try await installation.value(
                "SELECT source_id FROM postrider.add_source('shop', 'bearer', '{a token}', correlation_from => '$.id')")
        }

        /// Receives callbacks with these correlations, as the server does.
        private static func receive(_ from: Int, _ to: Int, _ installation: Installation) async throws {
            try await installation.value(
                """
                SELECT count(*) FROM generate_series($1::int, $2::int) AS n CROSS JOIN LATERAL postrider.receive(
                    '{1}', ARRAY['call ' || n], '{paid}', ARRAY[n::text], '{application/json}', '{"{}"}', '{e}', '{192.0.2.1}')
                """, ["\(from)", "\(to)"])
        }

        @Test func aThousandAThirdOfWhichComesAThirdIsAskedForAndAThirdNeverComesWhileWorkersAreKilled() async throws {
            try await Installation.with { installation in
                try await Self.begin(installation)
                let receiver = try ScriptedReceiver(answer: .status(200, body: #"{"status": "open"}"#))
                for number in stride(from: 334, through: 666, by: 1) {
                    // Some have to be asked twice, and some answer after a while: those are out when the worker is killed.
                    let paid = ReceiverAnswer.status(200, body: #"{"status": "paid"}"#)
                    receiver.answer(
                        path: "/\(number)", with: number.isMultiple(of: 3) ? paid.delayed(by: .milliseconds(400)) : paid
                    )
                }
                try await installation.value(
                    "SELECT postrider.register_endpoint('told', $1, '{postrider.*}')", [receiver.url("/told")])
                receiver.answer(path: "/told", with: .ok)
                let settings = ["POSTRIDER_LEASE_SLACK": "1s"]
                var workers = [
                    try await installation.startWorker("one", settings: settings),
                    try await installation.startWorker("two", settings: settings),
                ]
                let began = ContinuousClock.now
                try await installation.value(
                    """
                    SELECT count(postrider.expect(n::text, '1500 ms', 'shop',
                        CASE WHEN n <= 333 THEN 'escalate' WHEN n <= 700 THEN 'poll' ELSE 'escalate' END,
                        CASE WHEN n BETWEEN 334 AND 700 THEN $1::text || '/' || n END, poll_every => '1 s', poll_for => '6 s',
                        done_when => CASE WHEN n BETWEEN 334 AND 700 THEN '$.status == "paid"'::jsonpath END))
                    FROM generate_series(1, 1000) AS n
                    """, [receiver.url("")])
                try await Self.receive(1, 333, installation)
                for name in ["three", "four", "five"] {
                    let asked = receiver.requests.count
                    try await eventually("it is asked") { receiver.requests.count > asked + 10 }
                    try await workers.removeFirst().kill()
                    workers.append(try await installation.startWorker(name, settings: settings))
                }
                try await eventually("all have ended", within: .seconds(40)) {
                    try await installation.count("postrider.expectations WHERE ended_at IS NULL") == 0
                }
                print("a thousand expectations ended after \(ContinuousClock.now - began)")
                #expect(
                    try await installation.rows(
                        """
                        SELECT x.state, min(x.correlation::int), max(x.correlation::int), count(*), count(DISTINCT x.inbox_id)
                        FROM postrider.expectations x GROUP BY 1 ORDER BY 2
                        """) == [
                            ["met", "1", "333", "333", "333"], ["met_by_poll", "334", "666", "333", "333"],
                            ["missed", "667", "1000", "334", "0"],
                        ])
                #expect(
                    try await installation.rows(
                        """
                        SELECT count(*), count(DISTINCT o.payload ->> 'correlation') FROM postrider.outbox o
                        WHERE o.event_type = 'postrider.expectation.missed'
                        """) == [["334", "334"]])
                #expect(
                    try await installation.rows("SELECT count(*), count(DISTINCT correlation) FROM postrider.inbox")
                        == [["666", "666"]])
                try await installation.waitForDelivered(334)
                let asked = receiver.requests.filter { $0.path != "/told" }
                #expect(asked.allSatisfy { $0.method == "GET" && $0.body.isEmpty && $0.header("content-type") == nil })
                #expect(receiver.violations.isEmpty)
                let status = try await installation.command("status", "--json")
                #expect(status.output.contains(#""expectations_missed":334"#), "\(status.output)")
                for worker in workers { try await worker.kill() }
            }
        }

        @Test func eachPollEndsHoweverItIsAnsweredAndNoOtherWaits() async throws {
            try await Installation.with { installation in
                try await Self.begin(installation)
                let receiver = try ScriptedReceiver()
                let answers: [(String, ReceiverAnswer)] = [
                    ("huge", .bigBody(50_000_000)), ("hang", .hang), ("drip", .dripHead),
                    ("moved", .status(302, headers: [("Location", receiver.url("/good"))])), ("gone", .status(410)),
                    ("wrong", .status(200, body: "no JSON")), ("nul", .status(200, body: #"{"a": "\u0000"}"#)),
                    ("raw-nul", .status(200, body: "{\u{0}}")), ("reset", .resetAfterRequest),
                    ("flood", .continueFlood),
                    ("good", .status(200, body: #"{"a": 1}"#)),
                ]
                for (name, answer) in answers { receiver.answer(path: "/\(name)", with: answer) }
                let worker = try await installation.startWorker(settings: ["POSTRIDER_LEASE_SLACK": "1s"])
                for url in answers.map({ receiver.url("/\($0.0)") }) + [
                    "https://169.254.169.254/latest", "http://10.0.0.1/x",
                ] {
                    try await installation.value(
                        """
                        SELECT postrider.expect($1, '100 ms', 'shop', 'poll', $1, '{"Authorization": "Bearer canary"}', '1 s', '1 s',
                            '$.a')
                        """, [url])
                }
                try await eventually("the good one is met", within: .seconds(4)) {
                    try await installation.count("postrider.expectations WHERE state = 'met_by_poll'") == 1
                }
                #expect(
                    receiver.requests.filter { $0.path == "/good" }.map { $0.header("authorization") } == [
                        "Bearer canary"
                    ])
                try await eventually("the others are missed") {
                    try await installation.count("postrider.expectations WHERE state = 'missed'") == answers.count + 1
                }
                let errors = try await installation.rows(
                    """
                    SELECT regexp_replace(x.correlation, '^http://127.*/', ''), x.last_poll_status, split_part(x.last_error, ':', 1)
                    FROM postrider.expected x WHERE x.state = 'missed' ORDER BY x.id
                    """)
                #expect(
                    errors == [
                        ["huge", "200", "response_too_large"], ["hang", nil, "timeout"], ["drip", nil, "timeout"],
                        ["moved", "302", "redirect"], ["gone", "410", "http_status"], ["wrong", "200", nil],
                        ["nul", "200", nil], ["raw-nul", "200", nil], ["reset", nil, "connection_reset"],
                        ["flood", nil, "response_too_large"],
                        ["https://169.254.169.254/latest", nil, "blocked_address"],
                        ["http://10.0.0.1/x", nil, "blocked_address"],
                    ])
                // Asked once, and not followed, and once only where it said that it is gone.
                #expect(receiver.requests.count { $0.path == "/good" } == 1)
                #expect(receiver.requests.count { $0.path == "/gone" } == 1)
                let shown = try await installation.command("expectation", "show", "2", "--json")
                let told =
                    try await installation.value("SELECT string_agg(payload::text, '') FROM postrider.outbox") ?? ""
                #expect(![worker.said, shown.output, told].joined().contains("canary"))
                try await worker.kill()
            }
        }
    }
}
