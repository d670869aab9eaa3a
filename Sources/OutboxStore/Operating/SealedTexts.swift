package import Postgres

/// What endpoints keep sealed, or should: all of it, secrets that no longer sign too.
package enum SealedTexts {
    /// A slice of the endpoints, in the order of their ids. The login needs to be one that reads secrets.
    package static func next(after: Int32, limit: Int32) -> PostgresQuery<EndpointSealedTexts> {
        PostgresQuery(
            """
            SELECT e.id, e.name, e.tenant, e.auth, e.client_key,
                   ARRAY(SELECT s.id FROM postrider.endpoint_secrets s WHERE s.endpoint_id = e.id ORDER BY s.id),
                   ARRAY(SELECT s.secret FROM postrider.endpoint_secrets s WHERE s.endpoint_id = e.id ORDER BY s.id)
            FROM postrider.endpoints e WHERE e.id > $1 AND e.state <> 'removed' ORDER BY e.id LIMIT $2
            """, after, limit)
    }

    /// Whether there are sources.
    package static let hasSources = PostgresQuery<Bool>("SELECT EXISTS (SELECT FROM postrider.source_settings)")

    /// The sources with their live secrets. The login needs to be one that receives.
    package static let sources = PostgresQuery<SourceSealedTexts>(
        "SELECT s.name, s.tenant, s.secrets FROM postrider.load_sources() s")

    /// Puts newly sealed texts of sources in the place of what they were made of; returns how many were there still.
    package static func replace(_ changes: [ResealedSourceText]) -> PostgresQuery<Int32> {
        PostgresQuery(
            "SELECT postrider.reseal_sources(names => $1, was => $2, sealed => $3)",
            changes.map(\.source), changes.map(\.was), changes.map(\.sealed))
    }

    /// Puts newly sealed texts in the place of what they were made of; returns how many were there still.
    package static func replace(_ changes: [ResealedText]) -> PostgresQuery<Int32> {
        PostgresQuery(
            "SELECT postrider.reseal(kinds => $1, ids => $2, was => $3, sealed => $4)",
            changes.map(\.kind.rawValue), changes.map(\.id), changes.map(\.was), changes.map(\.sealed))
    }
}

/// What one endpoint keeps sealed, or should.
package struct EndpointSealedTexts: Sendable, PostgresRecord {
    package let id: Int32
    package let name: String
    package let tenant: String
    /// A kind, a colon and its credentials.
    package let auth: String
    package let clientKey: String?
    /// The secrets by their ids.
    package let secrets: [(id: Int32, text: String)]

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        id = try row.column(0)
        name = try row.column(1)
        tenant = try row.column(2)
        auth = try row.column(3)
        clientKey = try row.column(4)
        let (ids, texts) = (try row.column(5, as: [Int32].self), try row.column(6, as: [String].self))
        secrets = zip(ids, texts).map { (id: $0, text: $1) }
    }
}

/// What one source keeps sealed, or should.
package struct SourceSealedTexts: Sendable, PostgresRecord {
    package let name: String
    package let tenant: String
    package let secrets: [String]

    package init(_ row: borrowing PostgresRow) throws(PostgresError) {
        name = try row.column(0)
        tenant = try row.column(1)
        secrets = try row.column(2)
    }
}

/// A secret of a source that was sealed again.
package struct ResealedSourceText: Sendable {
    package let source: String
    package let was: String
    package let sealed: String

    package init(source: String, was: String, sealed: String) {
        self.source = source
        self.was = was
        self.sealed = sealed
    }
}

/// A text that was sealed again.
package struct ResealedText: Sendable {
    /// Where it stands.
    package enum Kind: String, Sendable {
        case secret
        case auth
        case clientKey = "client_key"
    }

    package let kind: Kind
    /// The number of the secret, or of the endpoint.
    package let id: Int32
    package let was: String
    package let sealed: String

    package init(_ kind: Kind, _ id: Int32, was: String, sealed: String) {
        self.kind = kind
        self.id = id
        self.was = was
        self.sealed = sealed
    }
}
