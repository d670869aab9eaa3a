import Postgres

/// What an event carries: JSON, or bytes of some other kind. Nothing when the event is gone.
public struct EventContent: Sendable {
    /// The JSON, as it was written.
    public var payload: [UInt8]?
    /// The bytes.
    public var body: [UInt8]?
    /// What kind of bytes.
    public var contentType: String?

    /// Reads three columns: payload, body, content type.
    init(_ row: borrowing PostgresRow, from first: Int) throws(PostgresError) {
        payload = try row.column(first, as: PostgresJSON?.self)?.bytes
        body = try row.column(first + 1)
        contentType = try row.column(first + 2)
    }
}
