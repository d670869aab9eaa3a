import Webhooks

/// The story that the demo tells, in its order.
struct Story {
    let scene: Scene
    let narrator: Narrator
    /// How many events were inserted.
    private var inserted = 0
    /// The orders whose transactions were rolled back.
    private var rolledBack: Set<Int> = []

    init(scene: Scene, narrator: Narrator) {
        self.scene = scene
        self.narrator = narrator
    }

    mutating func tell() async throws -> Account {
        try await setUp()
        let scene = scene
        try await scene.withWorker {
            try await waitForWorker()
            try await takeOrders()
            try await retryAFlakyEndpoint()
            try await buryADeadLetter()
            try await replayTheDeadLetter()
            try await receiveWhatIsSent()
        }
        return try await close()
    }
}

// MARK: - The steps

extension Story {
    private func setUp() async throws {
        narrator.says("PostgreSQL runs in \(scene.directory) and is removed at the end.")
        narrator.heading("1. Setup: a database, the schema, three endpoints, a worker")
        for (name, value) in scene.settings.sorted(by: { $0.key < $1.key }) {
            let (left, right) = ("$ export \(name)=", "\(ShellWord(value))")
            let isLong = left.count + right.count > narrator.columns
            narrator.types(isLong ? "\(left)\\\n      \(right)" : left + right)
        }
        try await command("migrate")
        try await scene.execute("CREATE TABLE orders (id int PRIMARY KEY, total numeric NOT NULL)")
        narrator.says("Three endpoints. Each has its own signing secret and waits 1 s between attempts:")
        for endpoint in scene.endpoints {
            let secret = endpoint.secret.revealed
            try await command(
                "endpoint", "add", endpoint.name, scene.url(of: endpoint), "--event-type", endpoint.pattern, "--secret",
                secret, "--retry-schedule", "1s,1s", hiding: secret)
        }
        narrator.says(
            "shop answers 200. flaky answers 503 twice, then 200. broken answers 500. All three verify every signature."
        )
        narrator.types("$ postrider worker &")
    }

    /// Waits until the worker runs and has seen the subscriptions. Only after that does `unaccounted` demand a delivery
    /// for every event.
    private func waitForWorker() async throws {
        try await scene.wait(for: "the worker", count: 1, of: "postrider.worker_list WHERE alive")
        try await scene.wait(
            for: "the subscriptions", count: 0, of: "postrider.subscriptions WHERE effective_at IS NULL")
    }

    /// The orders, and how each one's transaction ends.
    private static let orders: [(number: Int, total: String, isCommitted: Bool)] = [
        (1, "19.90", true), (2, "5.00", true), (3, "99.00", false), (4, "12.50", true), (5, "7.25", true),
    ]

    private mutating func takeOrders() async throws {
        narrator.heading("2. Orders, each with its event in the same transaction")
        for order in Self.orders {
            let end = order.isCommitted ? "COMMIT" : "ROLLBACK"
            let sql = """
                BEGIN;
                INSERT INTO orders (id, total) VALUES (\(order.number), \(order.total));
                INSERT INTO postrider.outbox (event_type, payload)
                VALUES ('order.paid', '{"order":\(order.number),"total":\(order.total)}');
                \(end);
                """
            if order.number == 1 { narrator.types(sql) }
            try await scene.execute(sql)
            inserted += 1
            if !order.isCommitted { rolledBack.insert(order.number) }
        }
        narrator.says("Orders 2 to 5 follow in the same way, but order 3 ends in ROLLBACK. These are the deliveries:")
        let committed = Self.orders.count { $0.isCommitted }
        try await scene.wait(
            for: "the orders to be delivered", count: committed,
            of: "postrider.event_deliveries WHERE endpoint = 'shop' AND status = 'delivered'")
        try await look(
            """
            SELECT event_id, event_type, endpoint, status, attempts
            FROM postrider.event_deliveries ORDER BY event_id;
            """)
        sayWhatCame()
    }

    private func sayWhatCame() {
        let receipts = scene.shop.receipts
        if let first = receipts.first {
            narrator.says("This is the first request that shop received:")
            let names = [
                "webhook-id", "webhook-timestamp", "webhook-signature", "webhook-event-type", "webhook-attempt",
            ]
            narrator.types(
                (["POST /shop"] + names.map { "\($0): \(first.request.headers[$0] ?? "")" } + [
                    "", first.request.excerpt,
                ])
                .joined(separator: "\n"))
        }
        let orders = receipts.compactMap(\.order).sorted().map(String.init).joined(separator: ", ")
        let valid = receipts.count { $0.isVerified }
        narrator.says("shop has received orders \(orders); \(valid) of \(receipts.count) signatures are valid.")
        narrator.says("Order 3 was rolled back, so its event never existed.")
    }

    private mutating func retryAFlakyEndpoint() async throws {
        narrator.heading("3. A flaky endpoint: it fails twice, then it accepts the event")
        try await insert("invoice.sent", order: 1)
        narrator.says("A moment later:")
        try await scene.wait(
            for: "the third attempt to succeed", count: 1,
            of: "postrider.event_deliveries WHERE endpoint = 'flaky' AND status = 'delivered'")
        try await lookAtAttempts("flaky")
        narrator.says("All attempts had the same webhook-id. Each had its own number and its own signature.")
    }

    private mutating func buryADeadLetter() async throws {
        narrator.heading("4. A broken endpoint: after the last attempt there is a dead letter")
        try await insert("parcel.sent", order: 1)
        narrator.says("A moment later:")
        try await scene.wait(for: "the dead letter", count: 1, of: "postrider.dead_letters")
        try await command("dead-letter", "list")
        narrator.says("Nothing is lost: the event is kept until an operator decides.")
    }

    private func replayTheDeadLetter() async throws {
        narrator.heading("5. The operator fixes the endpoint and replays the dead letter")
        scene.broken.fix()
        narrator.says("From now on the endpoint broken answers 200.")
        try await command("dead-letter", "replay", "--endpoint", "broken")
        try await scene.wait(
            for: "the replayed dead letter", count: 1,
            of: "postrider.event_deliveries WHERE endpoint = 'broken' AND status = 'delivered'")
        try await lookAtAttempts("broken")
        narrator.says("The replay continues the count: no two attempts of a delivery have the same number.")
    }

    /// The account, from the views and from what the receivers saw.
    private func close() async throws -> Account {
        narrator.heading("7. The account")
        let receipts = scene.endpoints.flatMap(\.receipts)
        let received = try await scene.count("postrider.inbox")
        let account = Account(
            inserted: inserted, rolledBack: rolledBack.count,
            delivered: try await scene.count("postrider.event_deliveries WHERE status = 'delivered'"),
            dead: try await scene.count("postrider.dead_letters"),
            unaccounted: try await scene.count("postrider.unaccounted"),
            requests: receipts.count + received,
            accepted: scene.endpoints.reduce(0) { $0 + $1.accepted.count } + received,
            invalidSignatures: receipts.count { !$0.isVerified },
            phantoms: receipts.count { $0.order.map(rolledBack.contains) ?? true })
        narrator.says(account.line)
        narrator.says("\(account.requests) requests were made; \(account.invalidSignatures) had an invalid signature.")
        for fault in account.faults {
            narrator.says("WRONG: \(fault)")
        }
        return account
    }
}

// MARK: - What the steps do

extension Story {
    mutating func insert(_ type: String, order: Int) async throws {
        let sql = """
            INSERT INTO postrider.outbox (event_type, payload)
            VALUES ('\(type)', '{"order":\(order)}');
            """
        narrator.types(sql)
        try await scene.execute(sql)
        inserted += 1
    }

    /// Shows a command and runs it, as a shell would.
    ///
    /// - Parameter secret: is not shown.
    func command(_ words: String..., hiding secret: String? = nil) async throws {
        narrator.types(command: ["postrider"] + words.map { $0 == secret ? "whsec_…" : "\(ShellWord($0))" })
        let status = await CommandLineTool.run(
            words, in: scene.operatorContext(width: narrator.columns, print: narrator.prints))
        guard status == .done else { throw CommandError(.failure, "postrider \(words[0]) failed") }
    }

    /// Shows a query and what it finds.
    func look(_ sql: String) async throws {
        narrator.types(sql)
        narrator.shows(try await scene.query(sql))
    }

    private func lookAtAttempts(_ endpoint: String) async throws {
        try await look(
            """
            SELECT attempt, outcome, http_status, error_code, duration_ms
            FROM postrider.attempt_log WHERE endpoint = '\(endpoint)' ORDER BY attempt;
            """)
    }
}
