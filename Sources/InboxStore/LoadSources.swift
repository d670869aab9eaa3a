package import Inbox
package import Postgres

/// Reads all sources with their live secrets, for receiving.
package struct LoadSources: PostgresStatement {
    package let sql = """
        SELECT s.id, s.name, s.tenant, s.scheme, s.secrets, s.event_type_from, s.id_from, s.correlation_from, s.allow_networks,
               s.trust_proxies, s.max_body, s.rate_limit, s.tolerance, s.publish_as, s.version
        FROM postrider.load_sources() s
        """
    package let isQualified = true

    package init() {}

    package func decode(_ row: borrowing PostgresRow) throws(PostgresError) -> StoredSource {
        var source = StoredSource(
            id: try row.column(0), name: try row.column(1), scheme: try row.column(3), maxBody: try row.column(10),
            tolerance: try row.column(12), version: try row.column(14))
        source.tenant = try row.column(2)
        source.secrets = try row.column(4)
        source.eventTypeFrom = try row.column(5)
        source.idFrom = try row.column(6)
        source.correlationFrom = try row.column(7)
        source.allowNetworks = try row.column(8)
        source.trustProxies = try row.column(9)
        source.rateLimit = try row.column(11)
        source.publishAs = try row.column(13)
        return source
    }
}
