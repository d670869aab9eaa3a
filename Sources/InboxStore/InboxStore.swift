package import Inbox
package import Postgres

/// The statements of the process that receives, on one connection: one statement at a time.
package struct InboxStore: Sendable {
    /// How long a batch may take, connecting included. Senders wait for it.
    package static let receiveDeadline = Duration.seconds(5)
    private static let loadDeadline = Duration.seconds(5)

    private let session: PostgresSession

    package init(session: PostgresSession) {
        self.session = session
    }

    /// All sources that there are.
    package func sources() async throws(PostgresError) -> [StoredSource] {
        try await session.run(LoadSources(), deadline: Self.loadDeadline)
    }

    /// Stores a batch in one transaction and returns what became of each, in their order. When this returns, they are committed.
    ///
    /// - Parameter batch: ``ReceivedWebhook/mostAtOnce`` at most.
    package func receive(_ batch: [ReceivedWebhook]) async throws(PostgresError) -> [Receipt] {
        let rows = try await session.run(ReceiveWebhooks(batch), deadline: Self.receiveDeadline)
        var receipts = [Receipt](repeating: Receipt(inboxID: nil, isNew: false), count: batch.count)
        for row in rows where receipts.indices.contains(row.index) { receipts[row.index] = row.receipt }
        return receipts
    }
}
