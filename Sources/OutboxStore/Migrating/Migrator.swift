package import Postgres

/// Applies the schema: idempotent, and safe to run from several machines at once.
package struct Migrator: Sendable {
    /// How long one migration may take.
    package static let deadline = Duration.seconds(600)

    private let connection: PostgresConnection

    /// - Parameter connection: of the role that is to own the schema.
    package init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    /// Applies what is missing, each migration in a transaction of its own, and returns what it applied.
    ///
    /// A lock makes everyone else who migrates wait; who comes second finds nothing left to do.
    ///
    /// - Throws: ``MigrationError`` before anything is changed, or ``PostgresError`` with that migration undone.
    package func migrate() async throws -> [Migration] {
        let checksums = try await checksums()
        var done: [Migration] = []
        while let next = try await applyNext(checksums) { done.append(next) }
        return done
    }

    /// The whole schema as one script for psql, for those who let nobody else change their database.
    package static var script: String {
        var script =
            "-- The schema of Postrider. Run it with: psql --set ON_ERROR_STOP=1 --single-transaction --file …\n\n"
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

    private func applyNext(_ checksums: [String]) async throws -> Migration? {
        try await connection.withTransaction(deadline: Self.deadline) { transaction in
            // Held until the end of this transaction. Whoever holds it for longer is migrating.
            try await transaction.execute(LockMigrations(), deadline: Self.deadline)
            let applied = try await applied(transaction)
            let plan = try MigrationPlan(known: Migration.all, checksums: checksums, applied: applied)
            guard let next = plan.pending.first else { return nil }
            try await transaction.execute(script: next.sql, deadline: Self.deadline)
            let checksum = checksums[Migration.all.count - plan.pending.count]
            try await transaction.execute(RecordMigration(next, checksum: checksum), deadline: Self.deadline)
            return next
        }
    }

    private func applied(_ transaction: PostgresTransaction) async throws -> [MigrationPlan.Applied] {
        let state = try await transaction.run(FindSchema(), deadline: Self.deadline)
        switch state.first {
        case .migrated: return try await transaction.run(ReadMigrations(), deadline: Self.deadline)
        case .foreign:
            throw MigrationError(
                .foreignSchema, "there is a schema postrider that postrider did not make; rename or drop it first")
        case .missing, nil: return []
        }
    }

    /// By the server, which has SHA-256 at hand.
    private func checksums() async throws -> [String] {
        try await connection.run(HashMigrations(Migration.all.map(\.sql)), deadline: Self.deadline)
    }
}
