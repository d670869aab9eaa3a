package import Postgres

extension Endpoints {
    /// What an operator looks for; nil means any.
    package struct Search: Sendable, Equatable {
        package var tenant: String?
        /// Those that get events of this type; `order.*` and `*` too.
        package var type: String?
        /// `active`, `paused` or `disabled`.
        package var state: String?
        /// A part of the name or of the URL, in any case.
        package var text: String?
        /// Those whose names come after this one; with a tenant, those of its name too whose tenants come after that.
        package var after: EndpointReference?

        package init() {}
    }

    /// Endpoints in the order of their names and tenants.
    package static func find(_ search: Search, limit: Int32) -> PostgresQuery<EndpointReference> {
        PostgresQuery(
            """
            SELECT e.name, e.tenant FROM postrider.endpoints e JOIN postrider.endpoint_urls u ON u.id = e.url_id
            WHERE e.state <> 'removed' AND ($1 IS NULL OR e.tenant = $1)
                AND ($2 IS NULL OR EXISTS (
                    SELECT FROM postrider.subscriptions s
                    -- A pattern is met by one that is wider, and by one that is narrower.
                    WHERE s.endpoint_id = e.id
                        AND (postrider.type_matches($2, s.pattern) OR postrider.type_matches(s.pattern, $2))))
                AND ($3 IS NULL OR e.state = $3)
                AND ($4 IS NULL OR strpos(lower(e.name), lower($4)) > 0 OR strpos(lower(u.url), lower($4)) > 0)
                AND ($5 IS NULL OR e.name > $5 OR e.name = $5 AND e.tenant > $6)
            ORDER BY e.name, e.tenant LIMIT $7
            """, search.tenant, search.type, search.state, search.text, search.after?.name, search.after?.tenant,
            limit)
    }
}

extension EndpointReference: PostgresRecord {
    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        self.init(try row.column(0), tenant: try row.column(1))
    }
}
