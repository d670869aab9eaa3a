import Webhooks

extension Story {
    /// The other end: an event goes out, comes in through an inbox, and is processed.
    mutating func receiveWhatIsSent() async throws {
        narrator.heading("6. The other end: an inbox receives what a worker sends")
        let secret = try WebhookSecret(
            bytes: (0..<WebhookSecret.generatedByteCount).map { _ in .random(in: .min ... .max) }
        ).revealed
        try await command("source", "add", "loop", "--scheme", "standard", "--secret", secret, hiding: secret)
        let scene = scene
        try await scene.withInbox { address in
            narrator.types("$ postrider serve --inbox \(address) &")
            try await command(
                "endpoint", "add", "loop", "http://\(address)/in/loop", "--event-type", "payment.*", "--secret", secret,
                "--retry-schedule", "1s,1s", hiding: secret)
            try await insert("payment.made", order: 1)
            narrator.says("It is verified and stored, and only then answered with 200:")
            try await scene.wait(
                for: "the delivery to the inbox", count: 1,
                of: "postrider.event_deliveries WHERE endpoint = 'loop' AND status = 'delivered'")
            try await look("SELECT id, source, event_type, status FROM postrider.inbox;")
        }
        narrator.says("A program processes it in its own transaction, exactly once:")
        let sql = """
            BEGIN;
            UPDATE orders SET total = 0 WHERE id = 1;     -- your own change
            SELECT postrider.finish_inbox(id) FROM postrider.take_inbox('loop', 10);
            COMMIT;
            """
        narrator.types(sql)
        try await scene.execute(sql)
        try await look("SELECT id, source, event_type, status FROM postrider.inbox;")
    }
}
