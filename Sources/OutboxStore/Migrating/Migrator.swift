package import Postgres

/// Applies the schema: idempotent, and safe to run from several machines at once.
package struct Migrator: Sendable {
    /// How long one migration may take.
    package static let deadline = Duration.seconds(600)
    /// The only encoding that a database may have.
    package static let encoding = "UTF8"

    private let connection: PostgresConnection

    /// - Parameter connection: of the role that is to own the schema.
    package init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    /// Applies what is missing, each migration in a transaction of its own, and returns what it applied.
    ///
    /// A lock makes everyone else who migrates wait; the second then finds nothing left to do.
    ///
    /// - Throws: ``MigrationError`` before anything is changed, or ``PostgresError`` with that migration undone.
    package func migrate() async throws -> [Migration] {
        try await checkEncoding()
        let checksums = try await checksums()
        var done: [Migration] = []
        while let next = try await applyNext(checksums) { done.append(next) }
        return done
    }

    /// Puts back the rows without which nothing is done on the side, where they are missing; returns what that was. To be called
    /// when the schema is the newest.
    package func putBackRows() async throws -> [String] {
        try await connection.withTransaction(deadline: Self.deadline) { transaction in
            try await transaction.execute(Statements.lock, deadline: Self.deadline)
            return try await transaction.run(Statements.putBackRows, deadline: Self.deadline)
        }
    }

    /// The whole schema as one script for psql, for those who let no program change their database.
    package static var script: String {
        var script =
            "-- The schema of Postrider. Run it with: psql --set ON_ERROR_STOP=1 --single-transaction --file …\n\n"
            // For what stands between the migrations, and should the transaction be forgotten.
            + "SET search_path = pg_catalog, pg_temp;\n\n"
        for migration in Migration.all {
            script += migration.sql
            script += """

                INSERT INTO postrider.schema_migrations (version, name, checksum)
                VALUES (\(migration.version), '\(migration.name)', encode(sha256(convert_to($postrider_migration$\
                \(migration.sql)$postrider_migration$, 'UTF8')), 'hex'));


                """
        }
        return script
    }

    /// Payloads are sent as the bytes that were stored, and JSON is UTF-8. In another encoding some texts could not be stored, or
    /// not be read again.
    private func checkEncoding() async throws {
        let encoding = try await connection.run(Statements.encoding, deadline: Self.deadline).first ?? "unknown"
        guard encoding != Self.encoding else { return }
        throw MigrationError(
            .encoding,
            "the database is encoded in \(encoding), and Postrider needs \(Self.encoding). "
                + "Use another one: CREATE DATABASE name ENCODING '\(Self.encoding)' TEMPLATE template0")
    }

    private func applyNext(_ checksums: [String]) async throws -> Migration? {
        try await connection.withTransaction(deadline: Self.deadline) { transaction in
            // Held until the end of this transaction. A session that holds it for longer is migrating.
            try await transaction.execute(Statements.lock, deadline: Self.deadline)
            let applied = try await applied(transaction)
            let plan = try MigrationPlan(known: Migration.all, checksums: checksums, applied: applied)
            guard let next = plan.pending.first else { return nil }
            try await transaction.execute(script: next.sql, deadline: Self.deadline)
            let checksum = checksums[Migration.all.count - plan.pending.count]
            try await transaction.execute(Statements.record(next, checksum: checksum), deadline: Self.deadline)
            return next
        }
    }

    private func applied(_ transaction: PostgresTransaction) async throws -> [MigrationPlan.Applied] {
        let state = try await transaction.run(Statements.schema, deadline: Self.deadline)
        switch state.first {
        case .migrated:
            let applied = try await transaction.run(Statements.applied, deadline: Self.deadline)
            guard applied.isEmpty else { return applied }
            throw MigrationError(
                .noVersions,
                "the schema postrider has no record of its version: it was restored without its data, or truncated. Restore "
                    + "the data too; or, if nothing in it is needed, DROP SCHEMA postrider CASCADE and migrate again")
        case .foreign:
            throw MigrationError(
                .foreignSchema, "there is a schema postrider that postrider did not make; rename or drop it first")
        case .missing, nil: return []
        }
    }

    /// By the server, which has SHA-256 at hand.
    private func checksums() async throws -> [String] {
        try await connection.run(Statements.hash(Migration.all.map(\.sql)), deadline: Self.deadline)
    }
}

private enum Statements {
    /// How texts are stored in this database.
    static let encoding = PostgresQuery<String>("SELECT pg_catalog.getdatabaseencoding()::text")

    /// Keeps everyone else from migrating until the transaction ends.
    static let lock = PostgresQuery<Void>("SELECT pg_advisory_xact_lock(hashtextextended('postrider migrate', 0))")

    /// Whether there is a schema, and whether migrations made it.
    static let schema = PostgresQuery<SchemaOrigin>(
        """
        SELECT to_regnamespace('postrider') IS NOT NULL, to_regclass('postrider.schema_migrations') IS NOT NULL
        """)

    /// The migrations that were applied, in order.
    static let applied = PostgresQuery<MigrationPlan.Applied>(
        "SELECT m.version, m.name, m.checksum FROM postrider.schema_migrations m ORDER BY m.version")

    static let putBackRows = PostgresQuery<String>("SELECT p.what FROM postrider.put_back_rows() AS p (what)")

    /// SHA-256 of texts in lower-case hexadecimal, in their order.
    static func hash(_ texts: [String]) -> PostgresQuery<String> {
        PostgresQuery(
            """
            SELECT encode(sha256(convert_to(t.content, 'UTF8')), 'hex')
            FROM unnest($1::text[]) WITH ORDINALITY AS t (content, place) ORDER BY t.place
            """, texts)
    }

    /// Records that a migration was applied, in its own transaction.
    static func record(_ migration: Migration, checksum: String) -> PostgresQuery<Void> {
        PostgresQuery(
            "INSERT INTO postrider.schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
            migration.version, migration.name, checksum)
    }
}

private enum SchemaOrigin: PostgresRecord {
    case missing, migrated, foreign

    init(_ row: borrowing PostgresRow) throws(PostgresError) {
        if try !row.column(0, as: Bool.self) {
            self = .missing
        } else {
            self = try row.column(1, as: Bool.self) ? .migrated : .foreign
        }
    }
}

extension MigrationPlan.Applied: PostgresRecord {
    init(_ row: borrowing PostgresRow) throws(PostgresError) {
        version = try row.column(0)
        name = try row.column(1)
        checksum = try row.column(2)
    }
}
