package import Postgres

/// What is asked for a customer who bears a token: one function of migrations/0016_tokens.sql each.
///
/// Each fails with a SQLSTATE that the head of that file names. `token` is always the SHA-256 of the token.
package enum CustomerCalls {
    /// The tenant of a token that may write.
    package static func tenant(_ token: [UInt8]) -> PostgresQuery<String> {
        PostgresQuery("SELECT t.tenant FROM postrider.api_tenant($1) t (tenant)", PostgresBytes(token)).qualified
    }

    /// - Parameter secret: sealed; nil for one that is made there and is in the answer.
    package static func register(
        _ token: [UInt8], name: String, url: String, eventTypes: [String]?, description: String?, secret: String?
    ) -> PostgresQuery<CustomerAnswer> {
        PostgresQuery(
            call("api_register($1, $2, $3, $4, $5, $6)"), PostgresBytes(token), name, url, eventTypes, description,
            secret
        ).qualified
    }

    package static func list(_ token: [UInt8], after name: String?, limit: Int32) -> PostgresQuery<CustomerAnswer> {
        PostgresQuery(call("api_list($1, $2, $3)"), PostgresBytes(token), name, limit).qualified
    }

    package static func show(_ token: [UInt8], _ name: String) -> PostgresQuery<CustomerAnswer> {
        PostgresQuery(call("api_show($1, $2)"), PostgresBytes(token), name).qualified
    }

    /// - Parameter describes: whether the description changes.
    package static func update(
        _ token: [UInt8], _ name: String, match: [String]?, url: String?, eventTypes: [String]?, describes: Bool,
        description: String?
    ) -> PostgresQuery<CustomerAnswer> {
        PostgresQuery(
            call("api_update($1, $2, $3, $4, $5, $6, $7)"), PostgresBytes(token), name, match, url, eventTypes,
            describes, description
        ).qualified
    }

    package static func remove(_ token: [UInt8], _ name: String, match: [String]?) -> PostgresQuery<CustomerAnswer> {
        PostgresQuery(call("api_remove($1, $2, $3)"), PostgresBytes(token), name, match).qualified
    }

    /// - Parameters:
    ///   - secret: sealed; nil for one that is made there and is in the answer.
    ///   - key: for an endpoint that `v1a` signs for.
    package static func rotateSecret(
        _ token: [UInt8], _ name: String, match: [String]?, secret: String?, key: StoredSigningKey?
    ) -> PostgresQuery<CustomerAnswer> {
        PostgresQuery(
            call("api_rotate_secret($1, $2, $3, $4, $5, $6)"), PostgresBytes(token), name, match, secret, key?.text,
            key?.publicKey
        ).qualified
    }

    package static func pause(_ token: [UInt8], _ name: String, match: [String]?) -> PostgresQuery<CustomerAnswer> {
        PostgresQuery(call("api_pause($1, $2, $3)"), PostgresBytes(token), name, match).qualified
    }

    package static func resume(_ token: [UInt8], _ name: String, match: [String]?) -> PostgresQuery<CustomerAnswer> {
        PostgresQuery(call("api_resume($1, $2, $3)"), PostgresBytes(token), name, match).qualified
    }

    package static func test(_ token: [UInt8], _ name: String) -> PostgresQuery<CustomerAnswer> {
        PostgresQuery(call("api_test($1, $2)"), PostgresBytes(token), name).qualified
    }

    /// - Parameter since: RFC 3339 in form.
    package static func deliveries(
        _ token: [UInt8], of name: String, status: String?, since: String?, before event: String?, limit: Int32
    ) -> PostgresQuery<CustomerAnswer> {
        PostgresQuery(
            call("api_deliveries($1, $2, $3, $4::pg_catalog.timestamptz, $5, $6)"), PostgresBytes(token), name, status,
            since, event, limit
        ).qualified
    }

    package static func delivery(_ token: [UInt8], _ id: String) -> PostgresQuery<CustomerAnswer> {
        PostgresQuery(call("api_delivery($1, $2)"), PostgresBytes(token), id).qualified
    }

    package static func replay(_ token: [UInt8], _ id: String) -> PostgresQuery<CustomerAnswer> {
        PostgresQuery(call("api_replay($1, $2)"), PostgresBytes(token), id).qualified
    }

    package static func publish(
        _ token: [UInt8], type: String, payload: String, orderingKey: String?, key: String?
    ) -> PostgresQuery<CustomerAnswer> {
        PostgresQuery(
            call("api_publish($1, $2, $3, $4, $5)"), PostgresBytes(token), type, payload, orderingKey, key
        ).qualified
    }

    package static func eventTypes(_ token: [UInt8], after type: String?, limit: Int32) -> PostgresQuery<CustomerAnswer>
    {
        PostgresQuery(call("api_event_types($1, $2, $3)"), PostgresBytes(token), type, limit).qualified
    }

    private static func call(_ function: String) -> String {
        "SELECT a.status, a.body, a.etag FROM postrider.\(function) a"
    }
}

/// What a customer is answered, as the database made it.
package struct CustomerAnswer: Sendable, PostgresRecord {
    package let status: Int32
    /// JSON, or nothing with 204.
    package let body: String
    package let etag: String?

    package init(status: Int32, body: String, etag: String?) {
        self.status = status
        self.body = body
        self.etag = etag
    }

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        status = try row.column(0)
        body = try row.column(1)
        etag = try row.column(2)
    }
}
