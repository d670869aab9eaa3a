package import Postgres

/// What operators ask about the tokens of customers, and what they do to them.
package enum CustomerTokens {
    /// Adds a token by its SHA-256.
    package static func add(
        _ name: String, tenant: String, hash: [UInt8], isReadOnly: Bool, expires: Duration?
    ) -> PostgresQuery<Void> {
        PostgresQuery(
            "SELECT postrider.add_token(name => $1, tenant => $2, hash => $3, read_only => $4, expires => $5)",
            name, tenant, PostgresBytes(hash), isReadOnly, expires)
    }

    /// Tokens by name, those that are revoked too, the newest of a name first.
    ///
    /// - Parameter tenant: its tokens alone; nil for all.
    package static func list(tenant: String?, limit: Int32) -> PostgresQuery<CustomerToken> {
        PostgresQuery(
            """
            SELECT t.name, t.tenant, t.read_only, t.state, t.created_at, t.created_by, t.expires_at, t.revoked_at,
                   t.last_used_at
            FROM postrider.token_list t WHERE $1 IS NULL OR t.tenant = $1 ORDER BY t.name, t.created_at DESC LIMIT $2
            """, tenant, limit)
    }

    /// Ends a token and returns its tenant; fails with `no_data_found` where there is none of this name.
    package static func revoke(_ name: String) -> PostgresQuery<String> {
        PostgresQuery("SELECT postrider.revoke_token($1)", name)
    }
}

/// A token of a customer, as operators see it.
package struct CustomerToken: Sendable, PostgresRecord {
    package let name: String
    package let tenant: String
    package let isReadOnly: Bool
    /// active, expired or revoked.
    package let state: String
    package let createdAt: PostgresTimestamp
    package let createdBy: String
    /// Nil where it does not expire.
    package let expiresAt: PostgresTimestamp?
    package let revokedAt: PostgresTimestamp?
    /// When it was last good for a request, to the minute; nil where it never was.
    package let lastUsedAt: PostgresTimestamp?

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        name = try row.column(0)
        tenant = try row.column(1)
        isReadOnly = try row.column(2)
        state = try row.column(3)
        createdAt = try row.column(4)
        createdBy = try row.column(5)
        expiresAt = try row.column(6)
        revokedAt = try row.column(7)
        lastUsedAt = try row.column(8)
    }
}
