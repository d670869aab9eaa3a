package import Postgres

/// What `doctor` asks about rows that restores, loads and TRUNCATE leave behind, or leave out.
package enum BookChecks {
    /// How many rows of each table are looked at, the newest ones: the outbox may hold millions.
    private static let limit = 1000

    /// One row. Sequences are read after the tables' snapshot was taken, so none can seem to be behind that is not.
    package static let books = PostgresQuery<BookCheck>(
        """
        SELECT s.installation, postrider.installation(),
               ARRAY(SELECT d.duty FROM postrider.standard_duties() d
                     WHERE d.duty NOT IN (SELECT x.duty FROM postrider.duties x) ORDER BY 1),
               ARRAY(SELECT q.name FROM (VALUES
                         ('outbox', (SELECT max(few.id) FROM (
                             SELECT o.id FROM postrider.outbox o ORDER BY o.created_at DESC LIMIT \(limit)) few),
                          (SELECT n.last_value - (NOT n.is_called)::int FROM postrider.outbox_id_seq n)),
                         ('deliveries', (SELECT max(few.id) FROM (
                             SELECT max(x.id) AS id FROM postrider.dead x
                             UNION ALL
                             (SELECT d.id FROM postrider.deliveries d WHERE d.changed_in > '0'
                              ORDER BY d.changed_in DESC LIMIT \(limit))) few),
                          (SELECT n.last_value - (NOT n.is_called)::int FROM postrider.deliveries_id_seq n)),
                         ('endpoints', (SELECT max(e.id) FROM postrider.endpoints e),
                          (SELECT n.last_value - (NOT n.is_called)::int FROM postrider.endpoints_id_seq n)),
                         ('endpoint_urls', (SELECT max(u.id) FROM postrider.endpoint_urls u),
                          (SELECT n.last_value - (NOT n.is_called)::int FROM postrider.endpoint_urls_id_seq n)),
                         ('sources', (SELECT max(s.id) FROM postrider.sources s),
                          (SELECT n.last_value - (NOT n.is_called)::int FROM postrider.sources_id_seq n)),
                         ('received', (SELECT max(few.id) FROM (
                             SELECT r.id FROM postrider.received r ORDER BY r.received_at DESC LIMIT \(limit)) few),
                          (SELECT n.last_value - (NOT n.is_called)::int FROM postrider.received_id_seq n)),
                         ('expected', (SELECT max(x.id) FROM postrider.expected x),
                          (SELECT n.last_value - (NOT n.is_called)::int FROM postrider.expected_id_seq n))
                     ) AS q (name, largest, last) WHERE q.largest > q.last ORDER BY 1),
               ARRAY(SELECT DISTINCT named.source FROM (
                         SELECT 'deliveries' AS source, few.event_at, few.event_id FROM (
                             SELECT d.event_at, d.event_id FROM postrider.deliveries d WHERE d.changed_in > '0'
                             ORDER BY d.changed_in DESC LIMIT \(limit)) few
                         UNION ALL
                         SELECT 'dead', few.event_at, few.event_id FROM (
                             SELECT x.event_at, x.event_id FROM postrider.dead x ORDER BY x.id DESC LIMIT \(limit)) few
                         UNION ALL
                         -- Keys outlive their events.
                         SELECT 'idempotency_keys', few.event_at, few.event_id FROM (
                             SELECT k.event_at, k.event_id FROM postrider.idempotency_keys k
                             WHERE k.event_at > now() - s.retention ORDER BY k.event_at DESC LIMIT \(limit)) few) named
                     WHERE (SELECT true FROM postrider.outbox o
                            WHERE o.created_at = named.event_at AND o.id = named.event_id LIMIT 1) IS NULL
                     ORDER BY 1)
        FROM (VALUES (1)) AS always LEFT JOIN postrider.settings s ON true
        """)
}

/// Whether tables fit each other.
package struct BookCheck: Sendable, Equatable {
    /// The tag of the installation by the settings; nil when their row is missing.
    package var tag: String?
    /// The tag in `postrider.installation()`, which webhook ids are made of.
    package var tagInIDs: String
    /// Duties without a row.
    package var missingDuties: [String]
    /// Tables whose sequence has not reached their largest number.
    package var behind: [String]
    /// Tables that name events which the outbox lacks.
    package var withoutEvents: [String]

    package init(
        tag: String?, tagInIDs: String, missingDuties: [String] = [], behind: [String] = [],
        withoutEvents: [String] = []
    ) {
        self.tag = tag
        self.tagInIDs = tagInIDs
        self.missingDuties = missingDuties
        self.behind = behind
        self.withoutEvents = withoutEvents
    }
}

extension BookCheck: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(
            tag: try row.column(0), tagInIDs: try row.column(1), missingDuties: try row.column(2),
            behind: try row.column(3), withoutEvents: try row.column(4))
    }
}
