import Inbox
import InboxStore
import Postgres

/// What the watch asks of the database.
protocol SourceStore: Sendable {
    func sources() async throws(PostgresError) -> [StoredSource]
    func glance() async throws(PostgresError) -> ServerGlance?
    func close() async
}

/// The connection of the watch.
struct WatchSession: SourceStore {
    static let deadline = Duration.seconds(5)

    let session: PostgresSession

    func sources() async throws(PostgresError) -> [StoredSource] {
        try await InboxStore(session: session).sources()
    }

    func glance() async throws(PostgresError) -> ServerGlance? {
        try await session.run(ServerGlance.query, deadline: Self.deadline).first
    }

    func close() async {
        await session.close()
    }
}
