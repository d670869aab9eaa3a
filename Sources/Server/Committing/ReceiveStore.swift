import Inbox
import InboxStore
import Postgres

/// What a committer asks of the database.
protocol ReceiveStore: Sendable {
    /// Stores a batch in one transaction. When this returns, it is committed.
    func receive(_ batch: [ReceivedWebhook]) async throws(PostgresError) -> [Receipt]
    func close() async
}

/// One connection for one committer.
struct CommitterSession: ReceiveStore {
    let session: PostgresSession

    func receive(_ batch: [ReceivedWebhook]) async throws(PostgresError) -> [Receipt] {
        try await InboxStore(session: session).receive(batch)
    }

    func close() async {
        await session.close()
    }
}
