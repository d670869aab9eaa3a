package import Postgres

/// An endpoint with its settings, for those who compare or copy many.
package struct StoredEndpoint: Sendable {
    package var id: Int32
    package var name: String
    package var url: String
    /// Patterns of event types.
    package var eventTypes: [String]
    package var setup: EndpointSetup

    package var reference: EndpointReference { EndpointReference(name, tenant: setup.tenant) }

    /// All that is set, but for headers and credentials, which no operator may read.
    package var settings: EndpointSettings {
        var settings = EndpointSettings()
        settings.url = url
        settings.eventTypes = eventTypes
        settings.retrySchedule = setup.retrySchedule
        settings.maxAttempts = setup.maxAttempts
        settings.timeout = setup.timeout
        settings.maxInFlight = setup.maxInFlight ?? 0
        settings.rateLimit = setup.rateLimit ?? 0
        settings.payloadFormat = setup.payloadFormat
        settings.signature = setup.signature
        settings.method = setup.method
        settings.text = setup.text
        settings.permanentStatus = setup.permanentStatus
        settings.orderingFailure = setup.orderingFailure
        settings.breaker = setup.breaker
        settings.disableAfter = setup.disableAfter.map { "\($0.components.seconds) s" } ?? "never"
        settings.filter = setup.filter ?? ""
        settings.transform = setup.transform ?? ""
        settings.coalesce = setup.coalesce
        settings.verify = setup.verify
        return settings
    }
}

extension StoredEndpoint: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        id = try row.column(0)
        name = try row.column(1)
        url = try row.column(2)
        eventTypes = try row.column(3)
        setup = try EndpointSetup(row, from: 4)
    }
}

extension Endpoints {
    /// Endpoints by name, but for those that workers cannot read as they are stored.
    ///
    /// - Parameters:
    ///   - names: those of these names; and
    ///   - tenants: those of these tenants. Nil for both: all.
    package static func stored(names: [String]?, tenants: [String]?, limit: Int32) -> PostgresQuery<StoredEndpoint> {
        PostgresQuery(
            """
            SELECT e.id, s.endpoint, s.url, s.event_types, \(EndpointSetup.columns)
            FROM postrider.endpoint_settings s
            JOIN postrider.endpoints e ON e.name = s.endpoint AND e.tenant = s.tenant AND e.state <> 'removed'
            WHERE s.fault IS NULL
                AND ($1 IS NULL AND $2 IS NULL OR s.endpoint = ANY ($1) OR s.tenant = ANY ($2))
            ORDER BY s.endpoint, s.tenant LIMIT $3
            """, names, tenants, limit)
    }

    /// Whether an endpoint has these headers and no others: `Name: value` lines.
    package static func hasHeaders(_ endpoint: EndpointReference, _ headers: [String]) -> PostgresQuery<Bool> {
        PostgresQuery("SELECT postrider.has_headers($1, $2, $3)", endpoint.name, headers, endpoint.tenant)
    }

    /// Locks endpoints by their ids, as all do that lock several. No other session changes them until the transaction ends.
    package static func hold(_ ids: [Int32]) -> PostgresQuery<Void> {
        PostgresQuery("SELECT count(h) FROM postrider.hold_endpoints($1, false) h", ids)
    }
}
