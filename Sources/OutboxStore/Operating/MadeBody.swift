package import Postgres

/// The body that the transform of an endpoint made for an event: what every attempt sends.
package struct MadeBody: Sendable, PostgresRecord {
    package let contentType: String
    package let body: String

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        contentType = try row.column(0)
        body = try row.column(1)
    }

    /// - Parameter createdAt: when the event happened; with its number, its key.
    package static func of(
        _ event: Int64, at createdAt: PostgresTimestamp, endpoint: Int32
    ) -> PostgresQuery<MadeBody> {
        PostgresQuery(
            """
            SELECT b.content_type, b.body FROM postrider.made_bodies b
            WHERE b.endpoint_id = $1 AND b.event_id = $2 AND b.event_at = $3
            """, endpoint, event, createdAt)
    }
}
