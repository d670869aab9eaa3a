extension Story {
    /// The attempts made for an endpoint, as an operator looks at them.
    private func lookAtAttempts(_ endpoint: String) async throws {
        try await look(
            """
            SELECT attempt, outcome, http_status, error_code, duration_ms
            FROM postrider.attempt_log WHERE endpoint = '\(endpoint)' ORDER BY attempt;
            """)
    }

    private mutating func insert(_ type: String, order: Int) async throws {
        try await self.type(
            """
            INSERT INTO postrider.outbox (event_type, payload)
            VALUES ('\(type)', '{"order":\(order)}');
            """)
        inserted += 1
    }

    /// An endpoint that fails for a while.
    mutating func retryAFlakyEndpoint() async throws {
        narrator.heading("3. A flaky endpoint: it fails twice and is tried again")
        try await insert("invoice.sent", order: 1)
        narrator.says("A moment later:")
        try await scene.wait(
            for: "the third attempt to succeed", count: 1,
            "SELECT count(*) FROM postrider.event_deliveries WHERE endpoint = 'flaky' AND status = 'delivered'")
        try await lookAtAttempts("flaky")
        narrator.says("Every attempt had the same webhook-id and a number and a signature of its own.")
    }

    /// An endpoint that never stops failing.
    mutating func buryADeadLetter() async throws {
        narrator.heading("4. A broken endpoint: after the last attempt, a dead letter")
        try await insert("parcel.sent", order: 1)
        narrator.says("A moment later:")
        try await scene.wait(for: "the dead letter", count: 1, "SELECT count(*) FROM postrider.dead_letters")
        try await command("dead-letter", "list")
        narrator.says("It is given up for now, not lost: the event is kept until a person decides.")
    }

    /// What the operator does about it.
    func replayTheDeadLetter() async throws {
        narrator.heading("5. The operator mends the endpoint and replays the dead letter")
        scene.broken.mend()
        narrator.says("The endpoint broken answers 200 from now on.")
        try await command("dead-letter", "replay", "--endpoint", "broken")
        try await scene.wait(
            for: "the replayed dead letter", count: 1,
            "SELECT count(*) FROM postrider.event_deliveries WHERE endpoint = 'broken' AND status = 'delivered'")
        try await lookAtAttempts("broken")
        narrator.says("The replay counts on: no two attempts of a delivery ever have the same number.")
    }
}
