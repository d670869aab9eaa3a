package import Postgres

/// What operators ask about sources, and what they do to them.
///
/// What names a source fails with `no_data_found` where there is none of that name, unless it says otherwise.
package enum WebhookSources {
    /// Sources with what waits of them, by name.
    ///
    /// - Parameter name: this one alone; nil for all.
    package static func list(name: String? = nil, limit: Int32) -> PostgresQuery<SourceOverview> {
        PostgresQuery(
            """
            SELECT h.source, h.tenant, s.scheme, s.publish_as, h.last_received_at, h.queued, h.retrying, h.dead,
                   (extract(epoch FROM h.oldest_due_age) * 1000000)::bigint,
                   (extract(epoch FROM clock_timestamp() - h.last_received_at) * 1000000)::bigint
            FROM postrider.source_health h JOIN postrider.source_settings s ON s.source = h.source
            WHERE $1 IS NULL OR h.source = $1 ORDER BY h.source LIMIT $2
            """, name, limit)
    }

    /// How a source is set up, without its secrets; no row where there is none.
    package static func setup(_ name: String) -> PostgresQuery<SourceSetup> {
        PostgresQuery(
            """
            SELECT s.event_type_from, s.id_from, s.correlation_from, s.allow_networks, s.trust_proxies, s.max_body, s.rate_limit,
                   s.tolerance, s.retry_schedule, s.secrets, s.created_at, s.updated_at
            FROM postrider.source_settings s WHERE s.source = $1
            """, name)
    }

    /// The tenant of a source; no row where there is none of this name.
    package static func tenant(_ name: String) -> PostgresQuery<String> {
        PostgresQuery("SELECT s.tenant FROM postrider.source_settings s WHERE s.source = $1", name)
    }

    /// How requests to a source prove who sent them, with its live secrets, the newest first; no row where there is none of this name. The
    /// login needs to be one that receives.
    package static func proof(_ name: String) -> PostgresQuery<SourceProof> {
        PostgresQuery(
            "SELECT s.tenant, s.scheme, s.secrets FROM postrider.load_sources() s WHERE s.name = $1", name)
    }

    /// The names that begin with `prefix`, in order.
    package static func names(beginningWith prefix: String, limit: Int32) -> PostgresQuery<String> {
        PostgresQuery(
            """
            SELECT s.source FROM postrider.source_settings s WHERE starts_with(s.source, $1) ORDER BY s.source LIMIT $2
            """, prefix, limit)
    }

    /// Adds a source and returns its secret where the database made one.
    ///
    /// - Parameter secrets: as they were given, or sealed.
    package static func add(
        _ name: String, scheme: String, secrets: [String], tenant: String, settings: SourceSettings
    ) -> PostgresQuery<String?> {
        PostgresQuery(
            """
            SELECT a.made_secret
            FROM postrider.add_source(
                name => $1, scheme => $2, secrets => $3, event_type_from => $4, id_from => $5, correlation_from => $6,
                allow_networks => $7, trust_proxies => $8, max_body => $9, rate_limit => $10, tolerance => $11,
                publish_as => $12, tenant => $13, retry_schedule => $14) a
            """, name, scheme, secrets, settings.eventTypeFrom, settings.idFrom, settings.correlationFrom,
            settings.allowNetworks, settings.trustProxies, settings.maxBody, settings.rateLimit, settings.tolerance,
            settings.publishAs, tenant, settings.retrySchedule)
    }

    /// Changes what is set and leaves the rest.
    package static func update(_ name: String, settings: SourceSettings) -> PostgresQuery<Void> {
        PostgresQuery(
            """
            SELECT postrider.update_source(
                name => $1, event_type_from => $2, id_from => $3, correlation_from => $4, allow_networks => $5,
                trust_proxies => $6, max_body => $7, rate_limit => $8, tolerance => $9, publish_as => $10,
                retry_schedule => $11)
            """, name, settings.eventTypeFrom, settings.idFrom, settings.correlationFrom, settings.allowNetworks,
            settings.trustProxies, settings.maxBody, settings.rateLimit, settings.tolerance, settings.publishAs,
            settings.retrySchedule)
    }

    /// Has a source accept a new secret; the old ones too for a while. Returns it where the database made it.
    package static func rotateSecret(_ name: String, secret: String?, grace: Duration) -> PostgresQuery<String?> {
        PostgresQuery(
            "SELECT postrider.rotate_source_secret(name => $1, secret => $2, grace => $3)", name, secret, grace)
    }

    /// Removes a source and returns how many rows that were not processed ended as dead.
    package static func remove(_ name: String) -> PostgresQuery<Int32> {
        PostgresQuery("SELECT postrider.remove_source($1)", name)
    }
}

/// What of all sources is not processed. Each source is counted up to a limit.
package struct InboxCensus: PostgresRecord, Equatable {
    package var queued: Int64 = 0
    package var retrying: Int64 = 0
    package var dead: Int64 = 0
    /// For how long the row has been due that has been longest.
    package var oldestDueAge: Duration?

    package init() {}

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        queued = try row.column(0)
        retrying = try row.column(1)
        dead = try row.column(2)
        oldestDueAge = try row.microseconds(3)
    }

    package static let query = PostgresQuery<InboxCensus>(
        """
        SELECT coalesce(sum(h.queued), 0), coalesce(sum(h.retrying), 0), coalesce(sum(h.dead), 0),
               (extract(epoch FROM max(h.oldest_due_age)) * 1000000)::bigint
        FROM postrider.source_health h
        """)
}

/// What can be set of a source. Nil leaves what is there, or what is the default; an empty text takes a path or the prefix away, 0 a limit.
package struct SourceSettings: Sendable {
    package var eventTypeFrom: String?
    package var idFrom: String?
    package var correlationFrom: String?
    package var allowNetworks: [String]?
    package var trustProxies: [String]?
    package var maxBody: Int64?
    package var rateLimit: Double?
    package var tolerance: Duration?
    package var publishAs: String?
    package var retrySchedule: [Duration]?

    package init() {}
}

/// A source and what waits of it. Counts stop at ``countLimit``.
package struct SourceOverview: PostgresRecord, Equatable {
    /// Where counting stops, as the view `postrider.source_health` says.
    package static let countLimit: Int32 = 10_000

    package let name: String
    package let tenant: String
    package let scheme: String
    package let publishAs: String?
    package let lastReceivedAt: PostgresTimestamp?
    package let queued: Int32
    package let retrying: Int32
    package let dead: Int32
    /// For how long the row has been due that has been longest.
    package let oldestDueAge: Duration?
    package let lastReceivedAgo: Duration?

    /// One that publishes nothing on.
    package init(
        name: String, queued: Int32 = 0, retrying: Int32 = 0, dead: Int32 = 0, oldestDueAge: Duration? = nil,
        lastReceivedAgo: Duration? = nil
    ) {
        self.name = name
        (tenant, scheme, publishAs, lastReceivedAt) = ("", "standard", nil, nil)
        (self.queued, self.retrying, self.dead) = (queued, retrying, dead)
        (self.oldestDueAge, self.lastReceivedAgo) = (oldestDueAge, lastReceivedAgo)
    }

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        name = try row.column(0)
        tenant = try row.column(1)
        scheme = try row.column(2)
        publishAs = try row.column(3)
        lastReceivedAt = try row.column(4)
        queued = try row.column(5)
        retrying = try row.column(6)
        dead = try row.column(7)
        oldestDueAge = try row.microseconds(8)
        lastReceivedAgo = try row.microseconds(9)
    }
}

/// How requests to a source prove who sent them.
package struct SourceProof: PostgresRecord {
    package let tenant: String
    package let scheme: String
    /// The newest first, plain or sealed.
    package let secrets: [String]

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        tenant = try row.column(0)
        scheme = try row.column(1)
        secrets = try row.column(2)
    }
}

/// How a source is set up, beside what its overview says.
package struct SourceSetup: PostgresRecord {
    package let eventTypeFrom: String?
    package let idFrom: String?
    package let correlationFrom: String?
    package let allowNetworks: [String]
    package let trustProxies: [String]
    package let maxBody: Int64
    package let rateLimit: Double?
    package let tolerance: Duration
    package let retrySchedule: [Duration]
    /// How many secrets are live.
    package let secrets: Int32
    package let createdAt: PostgresTimestamp
    package let updatedAt: PostgresTimestamp

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        eventTypeFrom = try row.column(0)
        idFrom = try row.column(1)
        correlationFrom = try row.column(2)
        allowNetworks = try row.column(3)
        trustProxies = try row.column(4)
        maxBody = try row.column(5)
        rateLimit = try row.column(6)
        tolerance = try row.column(7)
        retrySchedule = try row.column(8)
        secrets = try row.column(9)
        createdAt = try row.column(10)
        updatedAt = try row.column(11)
    }
}
