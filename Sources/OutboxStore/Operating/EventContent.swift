import Postgres

/// What an event carries: JSON, or bytes of some other kind. Nothing when the event is gone.
package struct EventContent: Sendable {
    /// The JSON, as it was written.
    package var payload: [UInt8]?
    /// The bytes.
    package var body: [UInt8]?
    /// What kind of bytes.
    package var contentType: String?

    /// Reads three columns: payload, body, content type.
    init(_ row: borrowing PostgresRow, from first: Int) throws(PostgresError) {
        payload = try row.column(first, as: PostgresJSON?.self)?.bytes
        body = try row.column(first + 1)
        contentType = try row.column(first + 2)
    }
}
