import Inbox
import InboxStore
import Postgres
import TestSupport

extension TestOutbox {
    /// Adds a source and returns its id.
    ///
    /// - Parameter options: more named arguments of `postrider.add_source`.
    @discardableResult
    func addSource(_ name: String = "shop", _ options: String = "") async throws -> Int64 {
        let more = options.isEmpty ? "" : ", \(options)"
        return try await number(
            "SELECT source_id FROM postrider.add_source($1, 'github', secrets => '{a secret}'\(more))", name)
    }

    /// Lends what a process that receives has: a session of its own.
    func withStore<Result: Sendable>(
        as role: String = "postgres", _ body: (InboxStore) async throws -> Result
    ) async throws -> Result {
        let url = database.url.replacing("postgresql://postgres@", with: "postgresql://\(role)@", maxReplacements: 1)
        let session = PostgresSession(try PostgresConfiguration(url, applicationName: "receiver"), logger: .silent)
        do {
            let result = try await body(InboxStore(session: session))
            await session.close()
            return result
        } catch {
            await session.close()
            throw error
        }
    }

    /// Receives one request for each correlation, in one batch, and returns the numbers of their rows.
    @discardableResult
    func receive(_ correlations: [String?], at source: Int64 = 1, ids: String = "id") async throws -> [Int64?] {
        try await withStore { (store) async throws in
            try await store.receive(
                correlations.enumerated().map { place, correlation in
                    ReceivedWebhook(madeUp: "\(ids)-\(place)", at: source, correlation: correlation)
                }
            ).map(\.inboxID)
        }
    }

    /// What became of each row, in the order of their numbers: `id status attempts`.
    func inbox() async throws -> [String] {
        try await column("SELECT format('%s %s %s', i.id, i.status, i.attempts) FROM postrider.inbox i ORDER BY i.id")
            .compactMap(\.self)
    }
}

extension ReceivedWebhook {
    init(
        madeUp id: String, at source: Int64 = 1, type: String? = "order.paid", correlation: String? = nil,
        contentType: String? = "application/json", body: [UInt8] = Array("{}".utf8)
    ) {
        self.init(
            sourceID: source, webhookID: id, eventType: type, correlation: correlation, contentType: contentType,
            headers: ReceivedHeaders([("X-One", "1"), ("x-one", "2")]), body: body, remoteAddress: "192.0.2.1")
    }
}

extension PostgresTransaction {
    /// Takes rows, and returns their numbers.
    func take(_ count: Int = 10, of source: String = "shop") async throws(PostgresError) -> [Int64] {
        try await query(
            "SELECT t.id FROM postrider.take_inbox($1, $2::int) t", [source, "\(count)"], deadline: TestOutbox.deadline
        ).rows.compactMap { $0.first?.flatMap { Int64($0) } }
    }

    func finish(_ id: Int64) async throws(PostgresError) {
        _ = try await query("SELECT postrider.finish_inbox($1::bigint)", ["\(id)"], deadline: TestOutbox.deadline)
    }

    @discardableResult
    func fail(_ id: Int64, _ why: String = "boom") async throws(PostgresError) -> String? {
        try await query(
            "SELECT postrider.fail_inbox($1::bigint, $2)", ["\(id)", why], deadline: TestOutbox.deadline
        ).first
    }
}
