import TestSupport
import Testing

@testable import CommandLineTool

@Suite(.timeLimit(.minutes(2))) struct TimelineTests {
    /// An event whose first attempt failed by the record that the values make.
    private func attempt(_ installation: Installation, _ columns: String, _ values: String) async throws {
        try await installation.sql(
            """
            INSERT INTO postrider.attempts (started_at, event_at, event_id, endpoint_id, url_id, duration_us, attempt, worker, \(columns))
            SELECT d.event_at + interval '1 s', d.event_at, d.event_id, d.endpoint_id, 1, 30000000, 1, 7, \(values)
            FROM postrider.deliveries d
            """)
    }

    private func withEvent(_ body: (Installation) async throws -> Void) async throws {
        try await Installation.with { (installation) async throws in
            _ = await installation.run("endpoint", "add", "a", "http://127.0.0.1:8099/")
            _ = await installation.run("event", "publish", "order.paid")
            try await installation.sql("INSERT INTO postrider.worker_names (id, name) VALUES (7, 'host:4711')")
            try await body(installation)
        }
    }

    @Test func aCrashedAttemptIsShownAsOne() async throws {
        try await withEvent { (installation) async throws in
            try await attempt(installation, "outcome, error_code, error", "3, 'lost_lease', postrider.unreported()")
            let shown = await installation.run("event", "show", "1", width: 120).output
            #expect(
                shown.contains("a, attempt 1: worker host:4711 did not report; its lease ended at +31.0s\n"), "\(shown)"
            )
            #expect(!shown.contains("30000 ms"))
        }
    }

    @Test func whatTheAnswerSaidIsThere() async throws {
        try await withEvent { (installation) async throws in
            try await attempt(
                installation, "outcome, error_code, error, http_status, retry_after, location, allowed_ms",
                "1, 'redirect', 'x', 302, '120', 'https://b.example/', 15000")
            let shown = await installation.run("event", "show", "1", width: 120).output
            #expect(shown.contains("30000.0 ms of 15000 allowed, worker host:4711\n"), "\(shown)")
            #expect(shown.contains("Retry-After: 120, Location: https://b.example/\n"), "\(shown)")
            let json = try await installation.run("event", "show", "1", "--json").json()
            let attempt = try #require((json["attempts"] as? [[String: Any]])?.first)
            #expect(attempt["retry_after"] as? String == "120")
            #expect(attempt["allowed_ms"] as? Int == 15000)
            #expect(attempt["worker_name"] as? String == "host:4711")
        }
    }

    @Test func whatIsInFlightSaysWhereAndUntilWhen() async throws {
        try await withEvent { (installation) async throws in
            try await installation.sql(
                "UPDATE postrider.deliveries SET attempt = 1, lease_by = 7, lease_until = now() + interval '30 s'")
            let live = await installation.run("event", "show", "1", width: 160).output
            #expect(
                live.contains("a: in flight: attempt 1 of 10, by worker host:4711; its lease ends at 20"), "\(live)")
            try await installation.sql("UPDATE postrider.deliveries SET lease_until = now() - interval '30 s'")
            let lapsed = await installation.run("event", "show", "1", width: 160).output
            #expect(
                lapsed.contains("a: attempt 1: worker host:4711 did not report, and its lease ended at 20"), "\(lapsed)"
            )
        }
    }

    @Test func infinityIsNoTime() async throws {
        try await withEvent { (installation) async throws in
            try await installation.sql("UPDATE postrider.deliveries SET due_at = 'infinity'")
            for command in [["event", "list"], ["event", "show", "1"]] {
                let said = await installation.run(command + ["--json"]).output
                #expect(!said.contains("infinity"), "\(said)")
                #expect(!(await installation.run(command).output.contains("infinity")))
            }
        }
    }

    @Test func whoEndedItAndWhy() async throws {
        try await withEvent { (installation) async throws in
            _ = await installation.run("event", "publish", "order.sent")
            let login = try await installation.sql("SELECT session_user")
            _ = await installation.run("event", "cancel", "1", "--why", "sent by hand")
            let cancelled = await installation.run("event", "show", "1", width: 160).output
            #expect(cancelled.contains("; cancelled by \(login ?? ""): sent by hand\n"), "\(cancelled)")
            try await installation.bury()
            let dead = await installation.run("event", "show", "2", width: 160).output
            #expect(dead.contains(", after attempt 3: attempts_exhausted\n"), "\(dead)")
            let letter = try #require(try await installation.sql("SELECT id FROM postrider.dead"))
            _ = await installation.run("dead-letter", "discard", letter, "--why", "too old")
            let discarded = await installation.run("event", "show", "2", width: 160).output
            #expect(discarded.contains("; discarded by \(login ?? ""): too old\n"), "\(discarded)")
            let json = try await installation.run("event", "show", "2", "--json").json()
            let delivery = try #require((json["deliveries"] as? [[String: Any]])?.first)
            #expect(delivery["reason"] as? String == "discarded: too old")
            #expect(delivery["closed_by"] as? String == login)
        }
    }
}
