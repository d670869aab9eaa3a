package import Postgres

/// Which types of events there are, as people described them.
package enum Catalogue {
    /// The most types that ``published`` looks for among the newest events.
    package static let newestEvents: Int32 = 100_000

    package static let list = PostgresQuery<EventTypeRecord>(
        "SELECT \(EventTypeRecord.columns) FROM postrider.event_types t ORDER BY t.event_type")

    package static func find(_ type: String) -> PostgresQuery<EventTypeRecord> {
        PostgresQuery("SELECT \(EventTypeRecord.columns) FROM postrider.event_types t WHERE t.event_type = $1", type)
    }

    /// The schema of a type's payloads; no row, or NULL, where there is none. A producer may ask too.
    package static func schema(_ type: String) -> PostgresQuery<PostgresJSON?> {
        PostgresQuery("SELECT t.schema FROM postrider.event_types t WHERE t.event_type = $1", type)
    }

    /// Describes a type; nil leaves what there is.
    package static func describe(
        _ type: String, description: String?, schema: [UInt8]?, example: [UInt8]?
    ) -> PostgresQuery<Void> {
        PostgresQuery(
            "SELECT postrider.describe_event_type($1, $2, $3, $4)", type, description,
            schema.map { PostgresJSON($0) }, example.map { PostgresJSON($0) })
    }

    /// Returns whether it was there.
    package static func forget(_ type: String) -> PostgresQuery<Bool> {
        PostgresQuery("SELECT postrider.forget_event_type($1)", type)
    }

    /// The types of the newest events.
    package static let published = PostgresQuery<PublishedType>(
        """
        SELECT p.event_type, p.events, p.last_at, t.event_type IS NOT NULL
        FROM postrider.published_types(\(newestEvents)) p
        LEFT JOIN postrider.event_types t ON t.event_type = p.event_type
        ORDER BY p.event_type
        """)
}

/// A type that is described.
package struct EventTypeRecord: Sendable {
    package var type: String
    package var description: String?
    /// A JSON Schema.
    package var schema: [UInt8]?
    /// A payload.
    package var example: [UInt8]?
    package var updatedAt: PostgresTimestamp
    package var updatedBy: String

    package init(
        type: String, description: String?, schema: [UInt8]?, example: [UInt8]?, updatedAt: PostgresTimestamp,
        updatedBy: String
    ) {
        self.type = type
        self.description = description
        self.schema = schema
        self.example = example
        self.updatedAt = updatedAt
        self.updatedBy = updatedBy
    }

    fileprivate static let columns = "t.event_type, t.description, t.schema, t.example, t.updated_at, t.updated_by"
}

extension EventTypeRecord: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            type: try row.column(0), description: try row.column(1),
            schema: try row.column(2, as: PostgresJSON?.self)?.bytes,
            example: try row.column(3, as: PostgresJSON?.self)?.bytes, updatedAt: try row.column(4),
            updatedBy: try row.column(5))
    }
}

/// A type that events have.
package struct PublishedType: Sendable, PostgresRecord {
    package var type: String
    /// Of the newest events.
    package var events: Int64
    package var lastAt: PostgresTimestamp
    package var isDescribed: Bool

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        type = try row.column(0)
        events = try row.column(1)
        lastAt = try row.column(2)
        isDescribed = try row.column(3)
    }
}
