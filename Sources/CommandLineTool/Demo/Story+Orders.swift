extension Story {
    /// The orders, and how each one's transaction ends.
    private static let orders: [(number: Int, total: String, isCommitted: Bool)] = [
        (1, "19.90", true), (2, "5.00", true), (3, "99.00", false), (4, "12.50", true), (5, "7.25", true),
    ]

    /// Orders with their events, one of which is rolled back.
    mutating func takeOrders() async throws {
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
        narrator.says("So for orders 2 to 5 too, but order 3 ends in ROLLBACK. Who gets what:")
        let committed = Self.orders.count { $0.isCommitted }
        try await scene.wait(
            for: "the orders to be delivered", count: committed,
            "SELECT count(*) FROM postrider.event_deliveries WHERE endpoint = 'shop' AND status = 'delivered'")
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
            narrator.says("The first of them, as shop received it:")
            let names = [
                "webhook-id", "webhook-timestamp", "webhook-signature", "webhook-event-type", "webhook-attempt",
            ]
            narrator.types(
                (["POST /shop"] + names.map { "\($0): \(first.headers[$0] ?? "")" } + ["", first.body])
                    .joined(separator: "\n"))
        }
        let orders = receipts.compactMap(\.order).sorted().map(String.init).joined(separator: ", ")
        let valid = receipts.count { $0.isVerified }
        narrator.says("shop has received orders \(orders); \(valid) of \(receipts.count) signatures are valid.")
        narrator.says("Order 3 was rolled back, so there never was an event.")
    }
}
